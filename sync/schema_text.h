// Returns the schema of a stored state as SQL.

#pragma once

#include <set>
#include <string>

#include "sync/context/context.h"
#include "sync/context/database_facts.h"
#include "sync/history/point.h"

namespace rotv {

struct SchemaText {
  std::string sql;  // The seed without its rows and its DROPs; psql can import it into an empty database.
  history::Point point;
  std::set<std::string> roles;  // Roles that an import needs and the text does not create.
  DatabaseFacts facts;          // Of the source's database then.
};

// Reads the schema at a point, as OpenPoint() takes it. Throws what OpenWorkspace() and OpenPoint() do.
SchemaText ReadSchemaText(const Context& context, const std::string& snapshot);
// At what a name was resolved to before.
SchemaText ReadSchemaText(const Context& context, const history::ResolvedPoint& point);

}  // namespace rotv
