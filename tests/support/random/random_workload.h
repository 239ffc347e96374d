// A database and its changes, generated from one number: the same number gives the same statements on every server of
// one version. Rows and schema change, in transactions and outside of them, in one session and in two.
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
  // The server's database `rotv` must be empty, and the server must outlive this object.
  RandomWorkload(uint64_t seed, const PostgresServer& server);

  void Setup();
  void Step();

  // All statements executed so far, with the server's message for the refused ones.
  const std::vector<std::string>& statements() const { return statements_; }
  // The share of statements that the server refused. Refusals for a published table without identity are not counted:
  // they end with the next pull.
  double RefusedShare() const;
  // The number of refusals by reason, without names.
  const std::map<std::string, int>& reasons() const { return reasons_; }

 private:
  enum class Kind { kData, kSchema };

  std::string Statement(Kind kind);
  // False if the server refused it.
  bool Execute(Connection& session, const std::string& sql);
  // Runs the statement in a savepoint, so that a refusal undoes nothing else.
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
