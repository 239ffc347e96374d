// The SQL that makes a column what another one is. Pure.

#pragma once

#include <string>
#include <vector>

#include "sync/drift/schema_drift.h"

namespace rotv::drift {

// ALTER TABLE … ADD COLUMN.
std::string AddColumn(const SchemaObject& column);

// The statements that make `before` what `after` is, once an identity that it shall not have is dropped.
std::vector<std::string> ChangeColumn(const ChangedObject& change);

}  // namespace rotv::drift
