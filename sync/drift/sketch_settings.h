// Drafts the SQL that changes what can be changed of an object in place. Pure.

#pragma once

#include <string>
#include <vector>

#include "sync/drift/schema_object.h"

namespace rotv::drift {

// Returns the statements for what `before` has and `after` has not. A setting that `after` has with another value needs
// none, since setting it replaces the old value.
std::vector<std::string> ResetSettings(const SchemaObject& before, const SchemaObject& after);

// Returns the statements for what `after` has and `before` has not, or with another value.
std::vector<std::string> SetSettings(const SchemaObject& before, const SchemaObject& after);

// Returns the statements that follow the one which creates the object.
std::vector<std::string> CreatedSettings(const SchemaObject& object);

}  // namespace rotv::drift
