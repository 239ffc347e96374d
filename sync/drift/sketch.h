// The SQL that would make one schema another: for people to read, mend and run. Pure.

#pragma once

#include <string>
#include <vector>

#include "sync/drift/schema_drift.h"

namespace rotv::drift {

struct SketchRequest {
  const std::vector<SchemaObject>& missing;   // To be made, with all their parts, in an order in which they were made.
  const std::vector<SchemaObject>& surplus;   // To be taken away, likewise.
  const std::vector<ChangedObject>& changed;  // From `before` to `after`.
  const std::vector<SchemaObject>& target;    // Everything that is to be there.
};

// As SchemaDrift says it. Nothing is dropped that is not on the list, so an object that others still stand on is for
// the reader to sort out.
std::vector<std::string> SketchChange(const SketchRequest& request);

}  // namespace rotv::drift
