// Reads the schema of a database as objects.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sync/drift/schema_object.h"

namespace rotv::drift {

// Returns a query whose result is one JSON text: everything that is in the database beyond what initdb created, without
// the objects of extensions. It leaves out owners, privileges, comments, labels, publications, subscriptions,
// tablespaces, the order of columns, and the values of user mappings' options. For PostgreSQL 14 and later;
// `search_path` must be empty, so that all names are qualified.
std::string_view SchemaQuery();

// Parses the result. Objects are in an order in which each can mostly be created after those before it. Throws
// kProtocol if the text is no such result.
std::vector<SchemaObject> ParseSchema(std::string_view json);

}  // namespace rotv::drift
