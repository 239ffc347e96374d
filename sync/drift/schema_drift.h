// Describes how two schemas differ, object by object.

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
  // These lists do not have the parts of an object that the other side lacks: they have the object.
  std::vector<SchemaObject> only_before;
  std::vector<SchemaObject> only_after;
  std::vector<ChangedObject> changed;
  size_t ignored = 0;  // Objects of both sides that a pattern names, without their parts.

  // Statements, each on one or more lines and ended by a semicolon, that turn one side into the other; where no SQL can
  // do it, a comment says what to do.
  std::vector<std::string> to_before;  // To be run on the side of `after`.
  std::vector<std::string> to_after;

  bool empty() const { return only_before.empty() && only_after.empty() && changed.empty(); }
};

}  // namespace rotv::drift
