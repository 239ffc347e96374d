// The attacker who owns tables on the source, and nothing else: an ordinary role that puts traps wherever PostgreSQL
// lets an owner put code. A trap makes its owner a superuser if anybody else runs it with the rights for that, and says
// in the server's log who did, which neither a read-only transaction nor a rollback takes back.

#pragma once

#include <string>
#include <vector>

#include "tests/support/servers/postgres_server.h"

namespace rotv::testing {

class TableOwner {
 public:
  static constexpr const char* kRole = "tenant";

  // Makes the role and its schema `shop`, with traps in functions of several types. Tables come with Plant() and
  // Exec().
  explicit TableOwner(PostgresServer& server);

  // Tables with rows, and a trap in every place that there is:
  //   shop.people (id, email, name, low, code, mood, pair, shown, mail): CHECKs (by a function, an operator, a domain
  //   of a
  //     column, SQL in a string), domain, enum and composite type with casts to text, generated column, DEFAULT, index
  //     (expression and predicate), policies, statistics, trigger, rule
  //   shop.bag (v): no key, so that it is copied again when it has changed
  void Plant();

  // As the owner.
  void Exec(const std::string& sql) { connection_.Exec(sql); }
  // Puts a view with a trap in the table's place, with the table's columns and the system's that we read.
  void SwapForView(const std::string& table, const std::string& columns);

  // "postgres in check": who has run what, since the last call; empty if nobody has.
  std::vector<std::string> Caught();
  // Whether the owner has become more than it was.
  bool IsSuperuser() const;

 private:
  PostgresServer& server_;
  Connection connection_;
  size_t seen_ = 0;  // Of the server's log.
};

}  // namespace rotv::testing
