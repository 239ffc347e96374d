// Drafts the SQL that would turn one schema into another, for people to read, correct and run. Pure.

#pragma once

#include <string>
#include <vector>

#include "sync/drift/schema_drift.h"

namespace rotv::drift {

struct SketchRequest {
  const std::vector<SchemaObject>& missing;   // To be created, with all their parts, in the order in which they were
                                              // created.
  const std::vector<SchemaObject>& surplus;   // To be dropped, in the same order.
  const std::vector<ChangedObject>& changed;  // From `before` to `after`.
  const std::vector<SchemaObject>& target;    // Everything that must exist in the end.
};

// Returns statements as SchemaDrift describes them. Nothing is dropped that is not in `surplus`, so an object on which
// others still depend is left for the reader to sort out.
std::vector<std::string> SketchChange(const SketchRequest& request);

}  // namespace rotv::drift
