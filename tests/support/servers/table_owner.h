// An attacker who owns tables on the source, and nothing else: an ordinary role that puts traps wherever PostgreSQL
// lets an owner put code. A trap makes its owner a superuser if a role with the rights for that runs it, and records
// the role in the server's log, which neither a read-only transaction nor a rollback undoes.

#pragma once

#include <string>
#include <vector>

#include "tests/support/servers/postgres_server.h"

namespace rotv::testing {

class TableOwner {
 public:
  static constexpr const char* kRole = "tenant";

  // Creates the role and its schema `shop`, with traps in functions of several types. Plant() and Exec() add tables.
  explicit TableOwner(PostgresServer& server);

  // Creates tables with rows, and a trap in every possible place:
  //   shop.people (id, email, name, low, code, mood, pair, shown, mail): CHECKs (by a function, an operator, a domain
  //     of a column, SQL in a string), domain, enum and composite type with casts to text, generated column, DEFAULT,
  //     index (expression and predicate), policies, statistics, trigger, rule
  //   shop.bag (v): no key, so that it is resynced when it has changed
  void Plant();

  // Runs statements as the owner.
  void Exec(const std::string& sql) { connection_.Exec(sql); }
  // Replaces the table by a view with a trap, with the table's columns and the system columns that we read.
  void SwapForView(const std::string& table, const std::string& columns);

  // Entries such as "postgres in check": which role has run which trap since the last call; empty if none has.
  std::vector<std::string> Caught();
  // True if the owner has gained superuser rights.
  bool IsSuperuser() const;

 private:
  PostgresServer& server_;
  Connection connection_;
  size_t seen_ = 0;  // Offset in the server's log.
};

}  // namespace rotv::testing
