// Reads what a dump does not say of the source's database, and a database like it has: encoding, locale, settings,
// roles, tablespaces.

#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "proto/store.pb.h"
#include "sync/postgres/pg_connection.h"
#include "sync/postgres/source_session.h"

namespace rotv::postgres {

// Statements that need no privilege and lock nothing; each gives one result, to be parsed by ParseDatabaseFacts().
std::vector<std::string> DatabaseFactsStatements();

// `connection` is the one that answered. What our sessions pin is missing: AddServerSettings() adds it.
proto::DatabaseFacts ParseDatabaseFacts(std::span<const PgResult> results, const PgConnection& connection);

// Settings by name, as a session has them that pins none: those that ours pin, and that DatabaseFactsStatements()
// cannot see for that reason. Takes a connection of its own; gives nothing if the source does not let it in. Throws
// kInterrupted only.
using ShownSettings = std::vector<std::pair<std::string, std::string>>;
ShownSettings ReadServerSettings(SourceSession& session);

// Adds those that come from the server's configuration: a setting of the database, or of `user`, hides the server's.
void AddServerSettings(const ShownSettings& shown, const std::string& user, proto::DatabaseFacts* facts);

}  // namespace rotv::postgres
