// Reads the schema of a database as objects.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sync/drift/schema_object.h"

namespace rotv::drift {

// A query that gives one JSON text: what is in the database beyond what initdb made, and without what belongs to
// extensions. Not read: owners, privileges, comments, publications, subscriptions, tablespaces, statistics' targets.
// For PostgreSQL 14 and later; `search_path` must be empty, so that everything is qualified.
std::string_view SchemaQuery();

// The answer to it, in an order in which each can be made after those before it, by and large. Throws kProtocol if it
// is no such answer.
std::vector<SchemaObject> ParseSchema(std::string_view json);

}  // namespace rotv::drift
