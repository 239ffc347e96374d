// A database and what happens to it, made up from one number: the same number makes the same statements on every server
// of one version. Rows and schema change, in transactions and outside of them, in one session and in two.
//
//   RandomWorkload workload(seed, server);
//   workload.Setup();
//   for (...) {
//     workload.Step();  // At rest on return: nothing is open.
//     ... pull and compare ...
//   }

#pragma once

#include <map>
#include <string>
#include <vector>

#include "tests/support/random/random_columns.h"
#include "tests/support/random/random_data.h"
#include "tests/support/random/random_objects.h"
#include "tests/support/random/random_tables.h"
#include "tests/support/servers/postgres_server.h"

namespace rotv::testing {

class RandomWorkload {
 public:
  // For a server whose database `rotv` is empty, and which outlives this.
  RandomWorkload(uint64_t seed, const PostgresServer& server);

  void Setup();
  void Step();

  // All that was executed so far, with what the server said to the refused ones.
  const std::vector<std::string>& statements() const { return statements_; }
  // The share of statements that the server refused. What a published table without identity refuses is not counted:
  // that ends with the next pull.
  double RefusedShare() const;
  // How often each reason was met, without names.
  const std::map<std::string, int>& reasons() const { return reasons_; }

 private:
  enum class Kind { kData, kSchema };

  std::string Statement(Kind kind);
  // False if it was refused.
  bool Execute(Connection& session, const std::string& sql);
  // In a savepoint, so that a refusal costs nothing else.
  void Attempt(Connection& session, const std::string& sql);
  void ReadCatalogAgain();
  void NoteRefusal(const std::string& reason);

  void OneByOne(Kind kind);
  void Transaction();
  void TwoSessions();
  void EndTransaction();

  RandomWorld world_;
  RandomData data_;
  RandomTables tables_;
  RandomColumns columns_;
  RandomObjects objects_;
  Connection session_;
  Connection other_;
  std::vector<std::string> statements_;
  std::map<std::string, int> reasons_;
  int executed_ = 0;
  int refused_ = 0;
};

}  // namespace rotv::testing
