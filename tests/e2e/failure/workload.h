// What the tests of failures write to a source, and what must be true of the store afterwards.

#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "storage/row_store.h"
#include "tests/e2e/error_checks.h"
#include "tests/support/servers/rotv_home.h"

namespace rotv::testing {

// The content of a source and its changes; every transaction touches a table that is followed.
class Workload {
 public:
  explicit Workload(const PostgresServer& server) : connection_(server.NewConnection()) {
    connection_.Exec(
        "CREATE TABLE notes (id int PRIMARY KEY, text text, picture text);"
        "ALTER TABLE notes ALTER picture SET STORAGE EXTERNAL;"
        "CREATE TABLE bag (n int, text text); ALTER TABLE bag REPLICA IDENTITY FULL;"
        "CREATE TABLE places (id int PRIMARY KEY, name text, UNIQUE (name) DEFERRABLE INITIALLY DEFERRED);"
        "CREATE TABLE big (id serial PRIMARY KEY, text text)");
    connection_.Exec(
        "INSERT INTO notes SELECT n, 'note', (SELECT string_agg(md5(n::text || i), '') FROM generate_series(1, 200) i) "
        "FROM generate_series(1, 300) n;"
        "INSERT INTO bag SELECT n % 40, 'equal rows' FROM generate_series(1, 400) n;"
        "INSERT INTO places SELECT n, 'place ' || n FROM generate_series(1, 200) n;"
        "INSERT INTO big (text) SELECT md5(n::text) || md5((n + 1)::text) FROM generate_series(1, 20000) n");
  }

  // Continues on a new connection: a server that has crashed has cut the old one.
  Workload(const PostgresServer& server, int transactions_so_far)
      : transactions(transactions_so_far), connection_(server.NewConnection()) {}

  // Runs one large transaction, full of changes that cannot be applied twice, and many small ones.
  void Run(int small_transactions) {
    connection_.Exec(
        "BEGIN;"
        "UPDATE notes SET text = text || '+';"  // The pictures are not sent.
        "INSERT INTO bag SELECT n % 7, 'equal rows' FROM generate_series(1, 700) n;"
        "DELETE FROM bag WHERE ctid IN (SELECT min(ctid) FROM bag GROUP BY n);"
        "UPDATE bag SET n = n + 1 WHERE n % 3 = 0;"
        "UPDATE big SET text = md5(text || id) || md5(id::text) WHERE id % 2 = 0;"
        "INSERT INTO big (text) SELECT md5(random()::text) || md5(random()::text) FROM generate_series(1, 15000);"
        "SAVEPOINT s; DELETE FROM big; ROLLBACK TO s;"
        "UPDATE places SET id = -id WHERE id BETWEEN 1 AND 100;"
        "UPDATE places SET id = 101 + id WHERE id < 0;"  // Keys are exchanged.
        "UPDATE notes SET id = id + 100000 WHERE id % 10 = 3 AND id < 100000;"
        "UPDATE notes SET text = text || '!' WHERE id > 100000;"
        "COMMIT");
    ++transactions;
    for (int i = 0; i < small_transactions; ++i) {
      connection_.Exec("BEGIN; INSERT INTO big (text) VALUES (md5(" + std::to_string(i) +
                       "::text)); UPDATE notes SET text = left(text, 20) || '.' WHERE id = 1 + " +
                       std::to_string(i % 300) + "; INSERT INTO bag VALUES (0, 'equal rows'); COMMIT");
    }
    transactions += small_transactions;
  }

  // Runs one transaction that is written in several pieces, with changes that cannot be applied twice.
  void RunLarge() {
    connection_.Exec(
        "BEGIN; INSERT INTO bag SELECT 7, repeat('x', 300) || n / 2 FROM generate_series(1, 64000) n;"
        "UPDATE notes SET text = text || '+'; COMMIT");
    ++transactions;
  }

  int transactions = 0;  // Counted since the start.

 private:
  Connection connection_;
};

inline std::filesystem::path StorePath(const RotvHome& rotv) {
  return rotv.home() / "sources/production" / Stores(rotv).at(0);
}

// Checks that every transaction is in the change log once and in order. Returns how many there are.
inline int ExpectLogIsInOrder(const RotvHome& rotv) {
  const auto store = RowStore::Open(StorePath(rotv), RowStore::Mode::kReadOnly);
  std::vector<uint64_t> commits;
  bool continued = false;
  store->VisitLog(Lsn(0), [&](const proto::Transaction& transaction) {
    // A large transaction fills several chunks.
    if (!continued) commits.push_back(transaction.commit_lsn());
    EXPECT_EQ(commits.back(), transaction.commit_lsn());
    continued = transaction.continued();
    return true;
  });
  EXPECT_TRUE(std::is_sorted(commits.begin(), commits.end()));
  EXPECT_EQ(std::set<uint64_t>(commits.begin(), commits.end()).size(), commits.size());
  return static_cast<int>(commits.size());
}

inline void ExpectLogHasEachTransactionOnce(const RotvHome& rotv, int transactions) {
  EXPECT_EQ(ExpectLogIsInOrder(rotv), transactions);
}

}  // namespace rotv::testing
