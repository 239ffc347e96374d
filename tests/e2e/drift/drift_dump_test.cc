// Holds the comparison of schemas against pg_dump: whatever pg_dump's text says otherwise is a difference. The grid's
// differences are such texts; and the text itself is changed by one clause at a time.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <iterator>
#include <random>

#include "sync/find_drift.h"
#include "tests/e2e/drift/drift_fixture.h"
#include "tests/e2e/drift/dump_clauses.h"

namespace rotv::testing {
namespace {

using ::testing::IsEmpty;

class DriftDumpTest : public ::testing::TestWithParam<int> {
 protected:
  std::string Dump(const std::string& database) {
    return grid_.server().Dump(database, {"--schema-only", "--no-comments", "--no-tablespaces"});
  }
  // Without --clean: it can be run in an empty database.
  std::string PlainDump(const std::string& database) {
    Command command = grid_.server().DumpCommand(database, {"--schema-only", "--no-comments", "--no-tablespaces"});
    std::erase(command.argv, "--clean");
    std::erase(command.argv, "--if-exists");
    return MustRun(command).out;
  }
  void MakeDatabase(const std::string& name, const std::string& database_template) {
    grid_.server().DropDatabase(name);
    grid_.server().CreateDatabase(name, "postgres", "TEMPLATE " + database_template);
  }

  // Fails unless pg_dump says something else after the change.
  void ExpectOtherText(const Difference& difference, const std::string& text) {
    SCOPED_TRACE(difference.name);
    MakeDatabase("other", "grid");
    grid_.server().Exec("SET client_min_messages = warning;" + std::string(difference.sql), {"other", "postgres"});
    EXPECT_NE(Dump("other"), text);
  }

  // Tries changes of the dump's text until `more` says no. Returns how many of them could be run.
  template <typename More>
  int TryMutations(uint64_t seed, const More& more) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    Dice dice(seed);
    const DumpClauses clauses(PlainDump("grid"));
    MakeDatabase("again", "template0");
    SchemaSession session(grid_.server(), "again");
    Connection& connection = session.connection();
    connection.Exec("BEGIN; " + clauses.sql());
    const std::vector<drift::SchemaObject> base = session.Read();
    connection.Exec("ROLLBACK");
    EXPECT_THAT(AllLabels(FindDrift(grid_.base(), base, {})), IsEmpty());
    const std::vector<std::string> lines = LinesThatCount(PlainDump("grid"));
    int tried = 0, run = 0, compared = 0;
    for (; more(tried) && !HasFailure(); ++tried) {
      const DumpClauses::Mutation mutation = clauses.Mutate(dice);
      bool same = false;
      try {
        connection.Exec("BEGIN; " + mutation.sql);
        same = FindDrift(base, session.Read(), {}).empty();
        ++run;
      } catch (const std::exception&) {
        // Most texts without a clause mean nothing.
        if (PQstatus(connection.raw()) != CONNECTION_OK) {
          ADD_FAILURE() << "this ends the server: " << mutation.what;
          return run;
        }
      }
      connection.Exec("ROLLBACK");
      if (!same) continue;
      ++compared;
      MakeDatabase("suspect", "template0");
      grid_.server().Exec(mutation.sql, {"suspect", "postgres"});
      const std::vector<std::string> others = LinesThatCount(PlainDump("suspect"));
      std::vector<std::string> differ;
      std::set_symmetric_difference(lines.begin(), lines.end(), others.begin(), others.end(),
                                    std::back_inserter(differ));
      EXPECT_THAT(differ, IsEmpty()) << "no difference is found, but pg_dump says: " << mutation.what;
    }
    RecordProperty("tried", tried);
    RecordProperty("could_be_run", run);
    RecordProperty("without_difference", compared);  // By pg_dump, too.
    return run;
  }

  GridServer& grid_ = GridServer::Of(GetParam());
};

TEST_P(DriftDumpTest, EachDifferenceOfTheGridIsOneOfPgDumps) {
  const std::string text = Dump("grid");
  const std::vector<Difference> differences = grid_.Differences();
  // A few of them, others in each run.
  for (size_t i = std::random_device()() % 30; i < differences.size(); i += 30) ExpectOtherText(differences[i], text);
}

TEST_P(DriftDumpTest, SoakEachDifferenceOfTheGridIsOneOfPgDumps) {
  const std::string text = Dump("grid");
  for (const Difference& difference : grid_.Differences()) ExpectOtherText(difference, text);
}

TEST_P(DriftDumpTest, AChangedClauseIsADifference) {
  constexpr int kTries = 60;
  EXPECT_GT(TryMutations(1, [](int tried) { return tried < kTries; }), kTries / 10);
}

TEST_P(DriftDumpTest, SoakAChangedClauseIsADifference) {
  const char* minutes = std::getenv("ROTV_SOAK_MINUTES");
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(minutes == nullptr ? 1 : std::atoi(minutes));
  TryMutations(std::random_device()(), [&](int) { return std::chrono::steady_clock::now() < end; });
}

INSTANTIATE_TEST_SUITE_P(Versions, DriftDumpTest, ::testing::Values(kOwnVersion, 18), [](const auto& version) {
  return version.param == kOwnVersion ? std::string("Own") : std::to_string(version.param);
});

}  // namespace
}  // namespace rotv::testing
