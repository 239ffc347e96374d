// How two schemas differ, object by object.

#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "sync/drift/schema_object.h"

namespace rotv::drift {

struct ChangedObject {
  SchemaObject before;
  SchemaObject after;
};

struct SchemaDrift {
  // What is part of an object that the other side does not have is not in these lists: the object is.
  std::vector<SchemaObject> only_before;
  std::vector<SchemaObject> only_after;
  std::vector<ChangedObject> changed;
  size_t ignored = 0;  // Objects of both sides that a pattern names, without their parts.

  // Statements, one to a line or more, each ended by a semicolon, that make the one side what the other is; where SQL
  // has no way, a comment says what to do.
  std::vector<std::string> to_before;  // Run on the side of `after`.
  std::vector<std::string> to_after;

  bool empty() const { return only_before.empty() && only_after.empty() && changed.empty(); }
};

}  // namespace rotv::drift
