// Drafts the SQL that turns one column into another. Pure.

#pragma once

#include <string>
#include <vector>

#include "sync/drift/schema_drift.h"

namespace rotv::drift {

// Returns ALTER TABLE … ADD COLUMN.
std::string AddColumn(const SchemaObject& column);

// Returns the statements that turn `before` into `after`, given that an identity which `after` does not have is already
// dropped.
std::vector<std::string> ChangeColumn(const ChangedObject& change);

}  // namespace rotv::drift
