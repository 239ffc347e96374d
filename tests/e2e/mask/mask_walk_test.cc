// Secrets are in masked columns, and random walks of migrations move, rename, detach, attach, retype, copy and recreate
// their tables, while others edit the rules. A pull follows each step; if it refuses with a line to add, the test adds
// it. Whatever happened, no secret is in any file that was written.
//
// Each walk has a schema of its own, so that one pull serves a step of all of them. Steps that no tool can recognize
// are left out: values copied into an existing column, or into a new column with another name next to the masked one.

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>

#include <chrono>
#include <cstdlib>
#include <deque>
#include <random>
#include <set>

#include "tests/e2e/follow_fixture.h"

namespace rotv::testing {
namespace {

RotvHomeOptions WalkOptions() {
  RotvHomeOptions options = FollowOptions();
  options.way = Way::kDirect;
  options.postgres.place = DataPlace::kOnTmpfs;
  return options;
}

constexpr const char* kWalkRules[] = {"\"email\"", "\"text\"", "{ rule = \"hash\", length = 24 }",
                                      "{ rule = \"constant\", value = \"made\" }", "\"null\""};

// The rules in the config: patterns and their rules, as a user would keep them.
class Rules {
 public:
  void Set(const std::string& pattern, const std::string& rule) { rules_[pattern] = rule; }
  void Remove(const std::string& pattern) { rules_.erase(pattern); }
  // Removes all rules that name this column of any table of its walk.
  void RemoveOfColumn(const std::string& column) {
    const std::string schema = column.substr(1, column.find('.') - 1), name = column.substr(column.rfind('.'));
    std::erase_if(rules_, [&](const auto& rule) {
      return rule.first.substr(1).starts_with(schema + ".") && rule.first.ends_with(name);
    });
  }
  // Returns the rules that begin with this.
  std::vector<std::string> Of(const std::string& start) const {
    std::vector<std::string> patterns;
    for (const auto& [pattern, rule] : rules_) {
      if (pattern.starts_with(start)) patterns.push_back(pattern);
    }
    return patterns;
  }
  std::string Text() const {
    std::string text = "[mask]\nmask_unknown = \"keep\"\n";
    for (const auto& [pattern, rule] : rules_) text += fmt::format("\"{}\" = {}\n", pattern, rule);
    return text;
  }

 private:
  std::map<std::string, std::string> rules_;
};

// One walk, in the schemas wN and aN.
class Walk {
 public:
  Walk(int number, uint64_t seed, Connection& sql, Rules& rules)
      : number_(number), random_(seed * 1000003 + static_cast<uint64_t>(number)), sql_(sql), rules_(rules) {}

  void Setup() {
    static constexpr const char* kTables[] = {
        "CREATE TABLE w{0}.people (id int PRIMARY KEY, m{0} text, nick text);"
        "INSERT INTO w{0}.people VALUES (1, '{1}', 'n'), (2, '{1}', 'n')",
        "CREATE TABLE w{0}.visits (id int, region text, m{0} text, nick text) PARTITION BY LIST (region);"
        "CREATE TABLE w{0}.visits_eu PARTITION OF w{0}.visits FOR VALUES IN ('eu');"
        "CREATE TABLE w{0}.archive (id int, region text, m{0} text, nick text) PARTITION BY LIST (region);"
        "INSERT INTO w{0}.visits VALUES (1, 'eu', '{1}', 'n')",
        "CREATE TABLE w{0}.base (id int, m{0} text, nick text); CREATE TABLE w{0}.child () INHERITS (w{0}.base);"
        "INSERT INTO w{0}.child VALUES (1, '{1}', 'n')"};
    static constexpr const char* kMasked[] = {"people", "visits", "base"};
    const size_t family = Below(std::size(kTables));
    Do(std::string("CREATE SCHEMA w{0}; CREATE SCHEMA a{0};") + kTables[family]);
    const char* rule = Pick(kWalkRules);
    switch (Below(3)) {
      case 0:
        rules_.Set(fmt::format("w{}.{}.m{}", number_, kMasked[family], number_), rule);
        break;
      case 1:
        rules_.Set(fmt::format("w{}.*.m{}", number_, number_), rule);
        break;
      default:
        rules_.Set(fmt::format("*.*.m{}", number_), rule);
    }
  }

  void Step() {
    adds_copy_ = false;
    for (size_t moves = 1 + Below(2); moves > 0 && !adds_copy_; --moves) Move();
    Change();
  }

  const std::vector<std::string>& done() const { return done_; }

 private:
  struct Table {
    std::string schema, name, quoted;
    char kind = 'r';
    bool is_partition = false;
    std::vector<std::string> columns;
    std::vector<std::string> secret;  // Columns among these that contain a secret.
  };

  size_t Below(size_t bound) { return random_() % bound; }
  template <typename Range>
  auto Pick(Range& range) -> decltype(range[0]) {
    return range[Below(std::size(range))];
  }
  std::string NewName(const char* start) { return fmt::format("{}{}_{}", start, number_, ++names_); }

  // Runs statements; {0} is replaced by the walk's number, {1} by a secret. False if the server refuses, which is not a
  // step.
  bool Do(const std::string& statements) {
    std::string text = statements;
    auto replace = [&](const std::string& what, const std::string& with) {
      for (size_t at = 0; (at = text.find(what, at)) != std::string::npos;) text.replace(at, what.size(), with);
    };
    replace("{0}", std::to_string(number_));
    replace("{1}", fmt::format("planted{}-{}@secret.example", number_, ++secrets_));
    try {
      sql_.Exec("BEGIN;" + text + ";COMMIT");
      done_.push_back(text);
      return true;
    } catch (const std::runtime_error&) {
      sql_.Exec("ROLLBACK");
      return false;
    }
  }

  std::vector<Table> Tables() {
    std::vector<Table> tables;
    for (const Row& row : sql_.Query(fmt::format(
             "SELECT n.nspname, c.relname, c.relkind, c.relispartition, string_agg(a.attname, ',' ORDER BY attnum) "
             "FROM "
             "pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid AND "
             "attnum > 0 AND NOT attisdropped WHERE nspname IN ('w{0}', 'a{0}') AND relkind IN ('r', 'p') GROUP BY 1, "
             "2, "
             "3, 4 ORDER BY 1, 2",
             number_))) {
      Table& table = tables.emplace_back();
      table = {.schema = *row[0],
               .name = *row[1],
               .quoted = *row[0] + "." + *row[1],
               .kind = row[2]->front(),
               .is_partition = *row[3] == "t"};
      std::string column;
      for (char c : *row[4] + ",") {
        if (c != ',') {
          column += c;
          continue;
        }
        table.columns.push_back(column);
        column.clear();
      }
    }
    return tables;
  }
  void FindSecrets(Table* table) {
    for (const std::string& column : table->columns) {
      const std::string found = sql_.Value(fmt::format(
          "SELECT count(*) FROM {0} WHERE {1}::text LIKE '%planted%' OR {1}::text LIKE '\\\\x706c616e746564%'",
          table->quoted, column));
      if (found != "0") table->secret.push_back(column);
    }
  }

  void Move() {
    std::vector<Table> tables = Tables();
    if (tables.empty()) return;  // The walk has dropped all tables.
    Table& table = Pick(tables);
    FindSecrets(&table);
    const std::string secret = table.secret.empty() ? "" : Pick(table.secret);
    switch (Below(16)) {
      case 0:
        Do(fmt::format("ALTER TABLE {} RENAME TO {}", table.quoted, NewName("t")));
        break;
      case 1:
        Do(fmt::format("ALTER TABLE {} SET SCHEMA {}{}", table.quoted, table.schema[0] == 'w' ? 'a' : 'w', number_));
        break;
      case 2:
        if (table.is_partition) Detach(table);
        break;
      case 3:
        Attach(table);
        break;
      case 4:
        Do(fmt::format("ALTER TABLE {0} {2} INHERIT w{1}.base", table.quoted, number_, Below(2) == 0 ? "NO" : ""));
        break;
      case 5:
        if (!secret.empty()) Do(fmt::format("ALTER TABLE {} RENAME {} TO {}", table.quoted, secret, NewName("c")));
        break;
      case 6:
        if (!secret.empty() && secret != "nick") {
          Do(
              fmt::format("ALTER TABLE {0} RENAME {1} TO swapping; ALTER TABLE {0} RENAME nick TO {1}; ALTER TABLE {0} "
                          "RENAME swapping TO nick",
                          table.quoted, secret));
        }
        break;
      case 7:
        Rebuild(table);
        break;
      case 8:
        Do(fmt::format("CREATE TABLE {}.{} AS SELECT * FROM {}", table.schema, NewName("t"), table.quoted));
        break;
      case 9:
      case 10:
        Remake(table, Below(2) == 0 ? table.name : NewName("t"));
        break;
      case 11:
        if (!secret.empty()) Retype(table, secret);
        break;
      case 12:
        if (!secret.empty()) Replace(table, secret);
        break;
      case 13:
        if (!secret.empty()) Generate(table, secret);
        break;
      case 14:
        Do(fmt::format("DROP TABLE {}", table.quoted));
        break;
      default:
        EditRules();
    }
  }

  void Detach(const Table& table) {
    const std::string parent = sql_.Value(
        fmt::format("SELECT inhparent::regclass FROM pg_inherits WHERE inhrelid = '{}'::regclass", table.quoted));
    Do(fmt::format("ALTER TABLE {} DETACH PARTITION {}", parent, table.quoted));
  }
  void Attach(const Table& table) {
    Do(fmt::format("ALTER TABLE w{}.{} ATTACH PARTITION {} FOR VALUES IN ('eu', 'r{}')", number_,
                   Below(2) == 0 ? "archive" : "visits", table.quoted, Below(100)));
  }
  void Rebuild(const Table& table) {
    const std::string rebuilt = NewName("t"), old = NewName("t");
    Do(
        fmt::format("CREATE TABLE {0}.{1} (LIKE {0}.{2}); INSERT INTO {0}.{1} SELECT * FROM {0}.{2};"
                    "ALTER TABLE {0}.{2} RENAME TO {3}; ALTER TABLE {0}.{1} RENAME TO {2}",
                    table.schema, rebuilt, table.name, old));
  }
  void Remake(const Table& table, const std::string& name) {
    Do(fmt::format(
        "CREATE TABLE {0}.remade AS SELECT * FROM {0}.{1}; DROP TABLE {0}.{1}; ALTER TABLE {0}.remade RENAME TO {2}",
        table.schema, table.name, name));
  }
  void Retype(const Table& table, const std::string& column) {
    static constexpr const char* kTypes[] = {
        "varchar(200) USING {0}::text",  "text USING {0}::text",
        "char(90) USING {0}::text",      "bytea USING convert_to({0}::text, 'UTF8')",
        "text[] USING ARRAY[{0}::text]", "jsonb USING to_jsonb({0}::text)"};
    Do(fmt::format("ALTER TABLE {} ALTER {} TYPE {}", table.quoted, column,
                   fmt::format(fmt::runtime(Pick(kTypes)), column)));
  }
  void Replace(const Table& table, const std::string& column) {
    Do(fmt::format("ALTER TABLE {0} ADD {1} text; UPDATE {0} SET {1} = {2}; ALTER TABLE {0} DROP {2}", table.quoted,
                   NewName("c"), column));
  }
  // A generated column that was pulled as such (before that, no tool can know) becomes an ordinary one at some later
  // step.
  void Generate(const Table& table, const std::string& column) {
    const std::string generated =
        sql_.Value(fmt::format("SELECT coalesce(min(attname), '') FROM pg_attribute WHERE attrelid = '{}'::regclass "
                               "AND attgenerated <> '' AND NOT attisdropped",
                               table.quoted));
    adds_copy_ = generated.empty();
    Do(generated.empty() ? fmt::format("ALTER TABLE {} ADD {} text GENERATED ALWAYS AS (lower({}::text)) STORED",
                                       table.quoted, NewName("g"), column)
                         : fmt::format("ALTER TABLE {} ALTER {} DROP EXPRESSION", table.quoted, generated));
  }

  void EditRules() {
    std::vector<std::string> patterns = rules_.Of(fmt::format("w{}.", number_));
    for (const std::string& pattern : rules_.Of(fmt::format("*.*.m{}", number_))) {
      if (pattern == fmt::format("*.*.m{}", number_)) patterns.push_back(pattern);
    }
    if (patterns.empty()) return;
    const std::string& pattern = Pick(patterns);
    const size_t what = Below(3);
    if (what == 0) rules_.Remove(pattern);
    if (what == 1) rules_.Set(pattern, Pick(kWalkRules));
    if (what == 2) {
      rules_.Remove(pattern);
      rules_.Set(fmt::format("w{}.*.m{}", number_, number_), "\"keep\"");
    }
    done_.push_back(fmt::format("-- {} of {}",
                                what == 0   ? "removed the rule"
                                : what == 1 ? "another rule"
                                            : "a keep for any in place",
                                pattern));
  }

  // Writes new secrets to columns that have some already.
  void Change() {
    std::vector<Table> tables = Tables();
    if (tables.empty()) return;  // The walk has dropped all tables.
    Table& table = Pick(tables);
    FindSecrets(&table);
    if (table.secret.empty()) return;
    Do(fmt::format("UPDATE {} SET {} = '{{1}}'", table.quoted, Pick(table.secret)));
    Do(fmt::format("INSERT INTO {0} SELECT * FROM {0} WHERE false", table.quoted));
  }

  const int number_;
  std::mt19937_64 random_;
  Connection& sql_;
  Rules& rules_;
  std::vector<std::string> done_;
  int names_ = 0, secrets_ = 0;
  bool adds_copy_ = false;  // This step created a column generated from a secret, and ends with it.
};

class MaskWalks {
 public:
  MaskWalks() : rotv_(WalkOptions()), sql_(rotv_.server().ConnectionString()) {}

  // Runs walks of one seed in parallel. False if a secret was found, or a pull failed.
  bool Run(uint64_t seed, int walks, int steps) {
    SCOPED_TRACE(fmt::format("ROTV_RANDOM_SEED={}", seed));
    for (int number = 0; number < walks; ++number) walks_.emplace_back(number, seed, sql_, rules_).Setup();
    if (!Pull("the baseline")) return false;
    for (int step = 1; step <= steps; ++step) {
      for (Walk& walk : walks_) walk.Step();
      if (!Pull(fmt::format("step {}", step))) return false;
    }
    return true;
  }

  int refused() const { return refused_; }

 private:
  bool Pull(const std::string& when) {
    constexpr int kMostRefusals = 60;
    for (int refusals = 0;; ++refusals) {
      const std::string text = ReadFile(rotv_.config());
      WriteFile(rotv_.config(), text.substr(0, text.find("[mask]")) + rules_.Text());
      const Result result = rotv_.Sync({"pull"});
      written_ += result.out + result.err;
      if (result.ok()) break;
      ++refused_;
      if (result.exit_status != 2 || refusals == kMostRefusals || !FollowAdvice(result.err)) {
        ADD_FAILURE() << when << ": exit " << result.exit_status << " " << result.err;
        return false;
      }
    }
    return IsClean(when);
  }

  // Follows the error's advice for each problem. False if a problem comes without a solution.
  bool FollowAdvice(const std::string& error) {
    const std::string begin = "masking: ";
    const size_t at = error.find(begin);
    if (at == std::string::npos) return false;
    std::string problems = error.substr(at + begin.size(), error.find('\n', at) - at - begin.size());
    while (!problems.empty()) {
      const size_t end = std::min(problems.find("; "), problems.size());
      const std::string problem = problems.substr(0, end);
      problems.erase(0, end + 2);
      if (!FollowAdviceOnOne(problem)) return false;
    }
    return true;
  }
  bool FollowAdviceOnOne(const std::string& problem) {
    if (problem.starts_with("and ") && problem.ends_with(" more")) return true;
    if (const size_t none = problem.find(": there is no such "); none != std::string::npos) {
      rules_.Remove(problem.substr(0, none));
      return true;
    }
    // A rule of the config that does not fit any more, perhaps for a child table; or two rules that conflict, one of an
    // added line and one of the parent. In both cases the user takes the simplest solution.
    const std::string column = problem.substr(0, problem.find(": "));
    const bool misfit = problem.find("cannot mask a column") != std::string::npos ||
                        problem.find(" masked by ") != std::string::npos ||
                        problem.find("takes no NULL") != std::string::npos;
    if (problem.find("add \"") == std::string::npos && misfit) {
      rules_.Set(column, "\"null\"");
      return true;
    }
    if (problem.find("decides which partition") != std::string::npos && column.ends_with(".region")) {
      rules_.Set(column, "\"keep\"");  // It was masked on suspicion, and has no secret.
      return true;
    }
    if (problem.find("equally exact") != std::string::npos || problem.find("is generated") != std::string::npos) {
      rules_.RemoveOfColumn(column);
      return true;
    }
    const size_t add = problem.find("add \""), end = problem.find(" to [mask]"), equals = problem.find("\" = ", add);
    if (add == std::string::npos || end == std::string::npos || equals == std::string::npos) return false;
    rules_.Set(problem.substr(add + 5, equals - add - 5), problem.substr(equals + 4, end - equals - 4));
    return true;
  }

  // The store's rows are compressed: a seed shows the present ones, a diff the earlier ones.
  bool IsClean(const std::string& when) {
    if (!Look(ReadFile(rotv_.Seed()), when + ", in the seed")) return false;
    const Result diff = rotv_.Sync({"snapshot", "diff", "baseline", "head", "--rows", "--limit", "100000"});
    if (!diff.ok()) ADD_FAILURE() << when << ": " << diff.err;
    return Look(diff.out + rotv_.MustSync({"log"}), when + ", in the history") &&
           Look(written_, when + ", in what was written");
  }
  bool Look(const std::string& bytes, const std::string& where) {
    for (const std::string secret : {"planted", "706c616e746564"}) {
      const size_t at = bytes.find(secret);
      if (at == std::string::npos) continue;
      size_t number = 0;
      if (secret == "planted") number = std::strtoull(bytes.c_str() + at + secret.size(), nullptr, 10);
      ADD_FAILURE() << where << ": " << bytes.substr(at - std::min<size_t>(at, 60), 120) << "\nafter\n"
                    << fmt::format("{}", fmt::join(walks_.at(number).done(), "\n"));
      return false;
    }
    return true;
  }

  RotvHome rotv_;
  Connection sql_;
  Rules rules_;
  std::deque<Walk> walks_;
  std::string written_;
  int refused_ = 0;
};

uint64_t SeedOr(uint64_t usual) {
  const char* seed = std::getenv("ROTV_RANDOM_SEED");
  return seed == nullptr ? usual : std::strtoull(seed, nullptr, 10);
}

constexpr int kWalks = 200, kSteps = 4;

// Labels: slow
TEST(MaskWalkTest, NoWalkOfMigrationsRevealsASecret) {
  MaskWalks walks;
  walks.Run(SeedOr(1), kWalks, kSteps);
  EXPECT_GT(walks.refused(), 5) << "part of it cannot be decided";
}

TEST(MaskWalkSoakTest, NoLongWalkRevealsASecret) {
  const char* given = std::getenv("ROTV_SOAK_MINUTES");
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(given == nullptr ? 1 : std::atoi(given));
  for (uint64_t seed = SeedOr(100); std::chrono::steady_clock::now() < end; ++seed) {
    if (!MaskWalks().Run(seed, kWalks, 4 * kSteps)) return;
  }
}

}  // namespace
}  // namespace rotv::testing
