// Says what the source's database is like, for the image that its data is to run in.

#pragma once

#include "sync/context/context.h"
#include "sync/context/database_facts.h"

namespace rotv {

// Returns what the store's head has, else asks the source; server_version is 0 if the store is of an older program.
// Throws what ReadSchemaText() and a connection to the source do.
DatabaseFacts FindDatabaseFacts(const Context& context);

}  // namespace rotv
