// Random transactions over tables of every identity; each pull is compared with a dump. Every failure message has the
// generator's seed, and ROTV_RANDOM_SEED repeats it; ROTV_SOAK_MINUTES sets the duration under ./dev soak.

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <deque>
#include <nlohmann/json.hpp>
#include <random>

#include "fmt/format.h"
#include "tests/e2e/follow_fixture.h"

namespace rotv::testing {
namespace {

using Clock = std::chrono::steady_clock;

constexpr const char* kTables = R"(
  CREATE TABLE simple (k int PRIMARY KEY, v text, big text, n numeric);
  CREATE TABLE words (v text, a text, n numeric, big text, k int, PRIMARY KEY (k, a));
  CREATE TABLE bag (k int, v text, big text, n numeric); ALTER TABLE bag REPLICA IDENTITY FULL;
  CREATE TABLE whole (big text, k bigint PRIMARY KEY, v text, n numeric); ALTER TABLE whole REPLICA IDENTITY FULL;
  CREATE TABLE by_index (k numeric NOT NULL, v text, big text, n int, id bigserial PRIMARY KEY);
  CREATE UNIQUE INDEX by_index_k ON by_index (k); ALTER TABLE by_index REPLICA IDENTITY USING INDEX by_index_k;
  CREATE TABLE parts (k int PRIMARY KEY, v text, big text, n numeric) PARTITION BY RANGE (k);
  CREATE TABLE parts_low PARTITION OF parts FOR VALUES FROM (MINVALUE) TO (20);
  CREATE TABLE parts_high PARTITION OF parts FOR VALUES FROM (20) TO (MAXVALUE);
  ALTER TABLE parts_high REPLICA IDENTITY FULL;
  ALTER TABLE simple ALTER big SET STORAGE EXTERNAL; ALTER TABLE words ALTER big SET STORAGE EXTERNAL;
  ALTER TABLE bag ALTER big SET STORAGE EXTERNAL; ALTER TABLE whole ALTER big SET STORAGE EXTERNAL;
)";

class Generator {
 public:
  explicit Generator(uint64_t seed) : random_(seed) {}

  int Below(int limit) { return static_cast<int>(random_() % static_cast<uint64_t>(limit)); }
  bool OneIn(int chances) { return Below(chances) == 0; }

  // One statement, which may fail.
  std::string Statement() {
    const std::string table = Table();
    switch (Below(14)) {
      case 0:
      case 1:
      case 2:
        return Insert(table);
      case 3:
        return fmt::format("INSERT INTO {0} (k, v{2}) SELECT n, 'many'{3} FROM generate_series({1}, {1} + {4}) n",
                           table, Below(60), table == "words" ? ", a" : "", table == "words" ? ", 'm'" : "", Below(20));
      case 4:
      case 5:
        return fmt::format("UPDATE {} SET v = {} WHERE {}", table, Text(), Where());
      case 6:
        return fmt::format("UPDATE {} SET big = {} WHERE {}", table, Big(), Where());
      case 7:
        return fmt::format("UPDATE {} SET n = {}, v = NULL WHERE {}", table, Below(5), Where());
      case 8:
        return fmt::format("UPDATE {} SET k = {} WHERE {}", table, Key(), Where());
      case 9:
        return fmt::format("UPDATE {0} SET k = k + {1} WHERE k > {2} AND k < {2} + 5", table, 100 + Below(100),
                           Below(60));
      case 10:
        // Deletes one of several equal rows.
        return fmt::format("DELETE FROM bag WHERE ctid = (SELECT min(ctid) FROM bag WHERE {})", Where());
      case 11:
        return fmt::format("DELETE FROM {} WHERE {}", table, Where());
      case 12:
        return fmt::format("UPDATE bag SET v = {} WHERE ctid = (SELECT max(ctid) FROM bag WHERE {})", Text(), Where());
      default:
        return fmt::format("UPDATE {} SET v = v WHERE k % {} = 0", table, 2 + Below(5));
    }
  }

  std::string Truncate() { return "TRUNCATE " + Table() + (OneIn(3) ? ", bag" : "") + " CASCADE"; }

 private:
  std::string Table() {
    static constexpr const char* kNames[] = {"simple", "words", "bag", "whole", "by_index", "parts"};
    return kNames[Below(6)];
  }

  std::string Key() { return std::to_string(Below(60)); }
  std::string Where() {
    return OneIn(4) ? fmt::format("k BETWEEN {0} AND {0} + {1}", Below(60), Below(10)) : "k = " + Key();
  }

  std::string Text() {
    static const std::vector<std::string> kPieces = {R"(\)", "\t", "\n", R"(\N)", R"(\.)", "'",  "\"",
                                                     "ß",    "😀",  "a",  "",      " ",     "\r", "\x01"};
    if (OneIn(6)) return "NULL";
    std::string text;
    for (int i = Below(5); i > 0; --i) text += kPieces[static_cast<size_t>(Below(static_cast<int>(kPieces.size())))];
    return SqlLiteral(text);
  }

  std::string Big() {
    if (OneIn(5)) return "NULL";
    if (OneIn(4)) return Text();
    return fmt::format("repeat(md5('{}'), {})", Below(1000), 80 + Below(300));
  }

  std::string Insert(const std::string& table) {
    // Forms of one number in several texts.
    const std::string key = table == "by_index" && OneIn(3) ? Key() + (OneIn(2) ? ".0" : ".00") : Key();
    if (table == "words") {
      return fmt::format("INSERT INTO words (k, a, v, big, n) VALUES ({}, coalesce({}, 'a'), {}, {}, {})", key, Text(),
                         Text(), Big(), Below(100));
    }
    return fmt::format("INSERT INTO {} (k, v, big, n) VALUES ({}, {}, {}, {})", table, key, Text(), Big(), Below(3));
  }

  std::mt19937_64 random_;
};

// Runs the statement in a savepoint, so that its failure (a duplicate key, a row locked by another session) undoes
// nothing else.
void Attempt(Connection& connection, const std::string& statement) {
  connection.Exec("SAVEPOINT attempt");
  try {
    connection.Exec(statement);
    connection.Exec("RELEASE attempt");
  } catch (const std::runtime_error&) {
    connection.Exec("ROLLBACK TO attempt");
  }
}

void RunTransaction(Connection& connection, Generator& generator) {
  connection.Exec("BEGIN");
  if (generator.OneIn(12)) Attempt(connection, generator.Truncate());
  for (int i = 1 + generator.Below(12); i > 0; --i) {
    if (generator.OneIn(10)) {
      connection.Exec("SAVEPOINT outer_one");
      for (int j = generator.Below(4); j > 0; --j) Attempt(connection, generator.Statement());
      connection.Exec(generator.OneIn(2) ? "ROLLBACK TO outer_one" : "RELEASE outer_one");
    }
    Attempt(connection, generator.Statement());
    if (generator.OneIn(60)) Attempt(connection, generator.Truncate());
  }
  connection.Exec(generator.OneIn(8) ? "ROLLBACK" : "COMMIT");
}

// A state of the past, which must not change.
struct Past {
  std::string lsn;
  std::string seed;
};

// Repeats rounds of transactions, a pull and the oracle until `end`, with a source of its own.
void FollowRandomChanges(uint64_t seed, Clock::time_point end) {
  SCOPED_TRACE(fmt::format("ROTV_RANDOM_SEED={}", seed));
  Generator generator(seed);
  RotvHome rotv(FollowOptions());
  Connection connection = rotv.server().NewConnection();
  Connection slow = rotv.server().NewConnection();  // Its transactions span pulls.
  connection.Exec(kTables);
  connection.Exec("SET lock_timeout = 20");
  slow.Exec("SET lock_timeout = 20");
  for (int i = 0; i < 10; ++i) RunTransaction(connection, generator);
  rotv.MustSync({"baseline"});
  rotv.ExpectSeedIsDump();

  bool slow_is_open = false;
  std::deque<Past> past;
  int rounds = 0;
  for (; Clock::now() < end && !::testing::Test::HasFailure(); ++rounds) {
    if (!slow_is_open && generator.OneIn(2)) {
      slow.Exec("BEGIN");
      slow_is_open = true;
    }
    for (int i = 1 + generator.Below(12); i > 0; --i) {
      RunTransaction(connection, generator);
      if (slow_is_open) Attempt(slow, generator.Statement());
    }
    if (slow_is_open && generator.OneIn(2)) {
      slow.Exec(generator.OneIn(4) ? "ROLLBACK" : "COMMIT");
      slow_is_open = false;
    }
    const auto pulled = nlohmann::json::parse(rotv.MustSync({"--json", "pull"}));
    rotv.ExpectSeedIsDump({.import = Import::kNone});
    past.push_back({pulled["to"], ReadFile(rotv.directory() / "seed.sql")});
    if (generator.OneIn(10) && !slow_is_open) {
      rotv.MustSync({"baseline", "--force"});
      rotv.ExpectSeedIsDump({.import = Import::kNone});
      past.clear();
    }
    if (past.size() > 5 || (!past.empty() && generator.OneIn(3))) {
      const std::string then = ReadFile(rotv.Seed("then.sql", {"--at", past.front().lsn}));
      EXPECT_TRUE(DumpsAreEqual({"the seed at " + past.front().lsn, then}, {"the earlier seed", past.front().seed}));
      past.pop_front();
    }
  }
  if (slow_is_open) slow.Exec("COMMIT");
  rotv.MustSync({"pull"});
  rotv.ExpectSeedIsDump();
  rotv.MustSync({"check", "--read-data"});
  EXPECT_GT(rounds, 0);
}

uint64_t RandomSeed() {
  const char* given = std::getenv("ROTV_RANDOM_SEED");
  return given == nullptr ? std::random_device()() : std::strtoull(given, nullptr, 10);
}

// Labels: slow
TEST(OracleRandomTest, RandomTransactionsAreFollowed) {
  FollowRandomChanges(RandomSeed(), Clock::now() + std::chrono::seconds(20));
}

TEST(OracleRandomSoakTest, RandomTransactionsAreFollowedForALongTime) {
  const char* minutes = std::getenv("ROTV_SOAK_MINUTES");
  const auto end = Clock::now() + std::chrono::minutes(minutes == nullptr ? 1 : std::atoi(minutes));
  while (Clock::now() < end && !HasFailure()) {
    FollowRandomChanges(RandomSeed(), std::min(end, Clock::now() + std::chrono::minutes(1)));
  }
}

}  // namespace
}  // namespace rotv::testing
