// A mask stays in force, whatever migrations do to its table and edits to the config, until a person ends it; what
// cannot be decided is refused before anything is written.

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "tests/e2e/follow_fixture.h"

namespace rotv::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

RotvHomeOptions Options() {
  RotvHomeOptions options = FollowOptions();
  options.way = Way::kDirect;
  return options;
}

// One event in the life of a masked table, in a schema of its own.
struct LineageCase {
  std::string name;        // The schema, which is the search_path of the statements.
  std::string rules;       // Rules of the config; @ is replaced by the schema.
  std::string before;      // Runs before the baseline.
  std::string migration;   // Runs after it.
  std::string left_rules;  // The config's rules from then on; "=": the same.
  std::string expected;    // Expected text for each mask that stays, or for the refusal.
};

std::string In(const LineageCase& one, std::string text) {
  for (size_t at = 0; (at = text.find('@', at)) != std::string::npos; at += one.name.size()) {
    text.replace(at, 1, one.name);
  }
  return text;
}

const char* const kPeople =
    "CREATE TABLE people (id int PRIMARY KEY, email text); INSERT INTO people VALUES (1, 'planted')";
const char* const kEmail = "\"@.people.email\" = \"email\"\n";
const char* const kVisits =
    "CREATE TABLE visits (id int, at date, email text, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);"
    "CREATE TABLE visits_2025 PARTITION OF visits FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');"
    "CREATE TABLE visits_2026 PARTITION OF visits FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');"
    "INSERT INTO visits VALUES (1, '2025-05-05', 'planted'), (2, '2026-05-05', 'planted')";
const char* const kVisitsRule = "\"@.visits.email\" = \"email\"\n";
const char* const kAttachElsewhere =
    "ALTER TABLE visits DETACH PARTITION visits_2025;"
    "CREATE TABLE archive (id int, at date, email text, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);"
    "ALTER TABLE archive ATTACH PARTITION visits_2025 FOR VALUES FROM ('2025-01-01') TO ('2026-01-01')";

class MaskLineageTest : public FollowTest {
 protected:
  MaskLineageTest() : FollowTest(Options()) {}

  void SetRules(const std::string& rules) const {
    const std::string text = ReadFile(rotv.config());
    WriteFile(rotv.config(), text.substr(0, text.find("[mask]")) + (rules.empty() ? "" : "[mask]\n" + rules));
  }
  void Make(const std::vector<LineageCase>& cases) {
    std::string rules;
    for (const LineageCase& one : cases) {
      Exec("CREATE SCHEMA " + one.name + "; SET search_path = " + one.name + ";" + one.before);
      rules += In(one, one.rules);
    }
    SetRules(rules);
  }
  void Migrate(const LineageCase& one) { Exec(In(one, "SET search_path = @; BEGIN;" + one.migration + ";COMMIT")); }

  // Checks every seed with every version of every row, and all output.
  void ExpectNothingPlanted(const std::string& when) const {
    SCOPED_TRACE(when);
    EXPECT_THAT(ReadFile(rotv.Seed()), Not(HasSubstr("planted")));
    EXPECT_THAT(rotv.MustSync({"snapshot", "diff", "baseline", "head", "--rows", "--limit", "100000"}),
                Not(HasSubstr("planted")));
  }
};

TEST_F(MaskLineageTest, MaskedColumnsStayMasked) {
  const std::vector<LineageCase> cases = {
      {"detached", kVisitsRule, kVisits, "ALTER TABLE visits DETACH PARTITION visits_2025", "=",
       "@.visits_2025.email (email)"},
      {"elsewhere", kVisitsRule, kVisits, kAttachElsewhere, "=", "@.visits_2025.email (email)"},
      // A "keep" for a table does not apply to a partition attached to it.
      {"kept_parent", std::string(kVisitsRule) + "\"@.archive.email\" = \"keep\"\n",
       std::string(kVisits) +
           ";CREATE TABLE archive (id int, at date, email text, PRIMARY KEY (id, at)) PARTITION BY RANGE (at)",
       "ALTER TABLE visits DETACH PARTITION visits_2025;"
       "ALTER TABLE archive ATTACH PARTITION visits_2025 FOR VALUES FROM ('2025-01-01') TO ('2026-01-01')",
       "=", "@.visits_2025.email (email)"},
      {"disinherited", "\"@.base.email\" = \"email\"\n",
       "CREATE TABLE base (id int PRIMARY KEY, email text); CREATE TABLE child (PRIMARY KEY (id)) INHERITS (base);"
       "INSERT INTO base VALUES (1, 'planted'); INSERT INTO child VALUES (2, 'planted')",
       "ALTER TABLE child NO INHERIT base", "=", "@.child.email (email)"},
      {"swapped", kEmail, kPeople,
       "CREATE TABLE people_new (id bigint PRIMARY KEY, email text); INSERT INTO people_new SELECT * FROM people;"
       "ALTER TABLE people RENAME TO people_old; ALTER TABLE people_new RENAME TO people;"
       "INSERT INTO people VALUES (2, 'planted'); INSERT INTO people_old VALUES (2, 'planted')",
       "=", "@.people_old.email (email)"},
      {"renamed", "\"@.*.email\" = \"email\"\n",
       std::string(kPeople) + ";CREATE TABLE others (id int PRIMARY KEY, email text)",
       "ALTER TABLE people RENAME email TO contact; INSERT INTO people VALUES (2, 'planted')", "=",
       "@.people.contact (email)"},
      // Each rule now names the other column; an earlier "keep" was about that one, too.
      {"columns_swapped", std::string(kEmail) + "\"@.people.nick\" = \"keep\"\n",
       "CREATE TABLE people (id int PRIMARY KEY, email text, nick text); INSERT INTO people VALUES (1, 'planted', 'n')",
       "ALTER TABLE people RENAME email TO old; ALTER TABLE people RENAME nick TO email;"
       "ALTER TABLE people RENAME old TO nick; INSERT INTO people VALUES (2, 'n', 'planted')",
       "=", "@.people.nick (email)"},
      // The rule for the other document lets paths through that this one masks.
      {"documents_swapped",
       "\"@.people.profile\" = { rule = \"json\", paths = { \"$.s\" = \"text\" } }\n"
       "\"@.people.settings\" = { rule = \"json\", paths = { \"$.theme\" = \"text\" } }\n",
       "CREATE TABLE people (id int PRIMARY KEY, profile jsonb, settings jsonb);"
       "INSERT INTO people VALUES (1, '{\"s\": \"planted\"}', '{\"theme\": \"t\"}')",
       "ALTER TABLE people RENAME profile TO old; ALTER TABLE people RENAME settings TO profile;"
       "ALTER TABLE people RENAME old TO settings",
       "=", "@.people.settings (json)"},
      {"moved", "\"@.*.email\" = \"email\"\n",
       std::string(kPeople) + ";CREATE TABLE others (id int PRIMARY KEY, email text)",
       "CREATE SCHEMA IF NOT EXISTS attic; ALTER TABLE people SET SCHEMA attic", "=", "attic.people.email (email)"},
      {"retyped", "\"@.*.email\" = \"email\"\n",
       std::string(kPeople) + ";CREATE TABLE others (id int PRIMARY KEY, email text)",
       "ALTER TABLE people ALTER email TYPE varchar(90), ALTER email SET NOT NULL; ALTER TABLE people RENAME email TO "
       "contact",
       "=", "@.people.contact (email)"},
      {"forgotten", kEmail, kPeople, "INSERT INTO people VALUES (2, 'planted')", "", "@.people.email (email)"},
      {"kept_anywhere", kEmail, kPeople, "INSERT INTO people VALUES (2, 'planted')", "\"@.*.email\" = \"keep\"\n",
       "@.people.email (email)"},
      // The table is created again under its name, and the rule is removed.
      {"remade", kEmail, kPeople, "DROP TABLE people; CREATE TABLE people AS SELECT 2 AS id, 'planted'::text AS email",
       "", "@.people.email (email)"},
      {"column_remade", kEmail, kPeople,
       "ALTER TABLE people RENAME email TO old; ALTER TABLE people ADD email text; UPDATE people SET email = old;"
       "ALTER TABLE people DROP old",
       "", "@.people.email (email)"},
      {"new_partition", kVisitsRule, kVisits,
       "CREATE TABLE visits_2027 PARTITION OF visits FOR VALUES FROM ('2027-01-01') TO ('2028-01-01');"
       "INSERT INTO visits VALUES (3, '2027-05-05', 'planted')",
       "", "@.visits_2027.email (email)"},
      {"dropped", "\"@.audit\" = \"drop\"\n",
       "CREATE TABLE audit (id int PRIMARY KEY, what text); INSERT INTO audit VALUES (1, 'planted')",
       "ALTER TABLE audit RENAME TO audit_old; CREATE TABLE audit (id int PRIMARY KEY, what text)", "=",
       "@.audit_old (drop)"},
      {"filtered", "\"@.events\" = { rule = \"where\", all = [\"kept = true\"] }\n",
       "CREATE TABLE events (id int PRIMARY KEY, kept bool, what text);"
       "INSERT INTO events VALUES (1, false, 'planted'), (2, true, 'fine')",
       "ALTER TABLE events RENAME kept TO is_kept; ALTER TABLE events RENAME TO events_old;"
       "INSERT INTO events_old VALUES (3, false, 'planted')",
       "", "@.events_old (where)"},
  };
  Make(cases);
  rotv.MustSync({"baseline"});
  std::string rules;
  for (const LineageCase& one : cases) {
    Migrate(one);
    rules += In(one, one.left_rules == "=" ? one.rules : one.left_rules);
  }
  SetRules(rules);
  auto expect_all = [&](const std::vector<std::string>& output, const std::string& who) {
    for (const LineageCase& one : cases) EXPECT_THAT(output, ::testing::Contains(In(one, one.expected))) << who;
  };
  const auto pulled = nlohmann::json::parse(rotv.MustSync({"--json", "pull"}));
  expect_all(pulled.at("carried_masks").get<std::vector<std::string>>(), "pull");
  ExpectNothingPlanted("after the migrations");
  // The next pulls, including an incremental one, and a new baseline.
  Exec(
      "INSERT INTO detached.visits_2025 VALUES (3, '2025-06-06', 'planted'); INSERT INTO swapped.people_old VALUES (3, "
      "'planted')");
  EXPECT_THAT(rotv.MustSync({"pull"}), HasSubstr("Still masked, although no rule in the config covers them"));
  ExpectNothingPlanted("after a stream");
  Exec("CREATE TABLE detached.other (id int)");
  rotv.MustSync({"pull"});
  EXPECT_THAT(rotv.Sync({"doctor"}).out, HasSubstr("detached.visits_2025.email (email)"));
  SetRules("");
  const auto again = nlohmann::json::parse(rotv.MustSync({"--json", "baseline", "--force"}));
  expect_all(again.at("carried_masks").get<std::vector<std::string>>(), "a new baseline");
  EXPECT_THAT(ReadFile(rotv.Seed()), Not(HasSubstr("planted")));
}

TEST_F(MaskLineageTest, UndecidableCasesStopWithTheLineToAdd) {
  const std::vector<LineageCase> cases = {
      {"no_longer_fits", "\"@.*.email\" = \"email\"\n",
       std::string(kPeople) + ";CREATE TABLE others (id int PRIMARY KEY, email text)",
       "ALTER TABLE people ALTER email TYPE bytea USING email::bytea; ALTER TABLE people RENAME email TO contact", "=",
       "@.people.contact: \"email\" cannot mask a column of type bytea (its values were masked by \"email\", and no "
       "rule "
       "says otherwise): add \"@.people.contact\" = { rule = \"hash\", length = 32 } to [mask]"},
      {"remade_elsewhere", kEmail, kPeople, "CREATE TABLE persons AS SELECT * FROM people", "=",
       "@.persons.email is new, and has the name of @.people.email, which was masked by \"email\": add "
       "\"@.persons.email\" = \"email\" to [mask]"},
      // A rule for any table is not a rule for this one.
      {"kept_anywhere", std::string(kEmail) + "\"@.*.email\" = \"keep\"\n", kPeople,
       "CREATE TABLE persons AS SELECT * FROM people", "=", "add \"@.persons.email\" = \"email\" to [mask]"},
      {"dropped_before", kEmail, kPeople,
       "ALTER TABLE people RENAME TO old; CREATE TABLE \"Odd.Name\" (id int PRIMARY KEY, \"Email\" text); INSERT INTO "
       "\"Odd.Name\" "
       "SELECT * FROM old; DROP TABLE old; CREATE TABLE people (id int PRIMARY KEY, email text)",
       "=", "add '@.\"Odd.Name\".Email' = \"email\" to [mask]"},
      {"column_replaced", kEmail, kPeople,
       "ALTER TABLE people ADD contact jsonb; UPDATE people SET contact = to_jsonb(email); ALTER TABLE people DROP "
       "email",
       "",
       "@.people.contact is new, and its table has lost email, which was masked by \"email\": add "
       "\"@.people.contact\" = \"null\" to [mask]"},
      {"no_longer_generated", kEmail,
       "CREATE TABLE people (id int PRIMARY KEY, email text, lower text GENERATED ALWAYS AS (lower(email)) STORED);"
       "INSERT INTO people VALUES (1, 'planted')",
       "ALTER TABLE people ALTER lower DROP EXPRESSION", "=",
       "@.people.lower is no longer generated, and may have been computed from masked columns: add "
       "\"@.people.lower\" = \"email\" to [mask]"},
      {"split", kVisitsRule, kVisits,
       "CREATE TABLE archive (id int, at date, email text, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);"
       "CREATE TABLE archive_2025 (LIKE visits_2025); INSERT INTO archive_2025 SELECT * FROM visits_2025;"
       "ALTER TABLE archive ATTACH PARTITION archive_2025 FOR VALUES FROM ('2025-01-01') TO ('2026-01-01')",
       "=", "add \"@.archive_2025.email\" = \"email\" to [mask]"},
  };
  Make(cases);
  rotv.MustSync({"baseline"});
  std::string rules;
  for (const LineageCase& one : cases) rules += In(one, one.rules);
  for (const LineageCase& one : cases) {
    SCOPED_TRACE(one.name);
    Migrate(one);
    const size_t own = rules.find(In(one, one.rules));
    if (one.left_rules.empty()) rules.erase(own, In(one, one.rules).size());
    SetRules(rules);
    const Result refused = rotv.Sync({"pull"});
    EXPECT_EQ(refused.exit_status, 2) << refused.out;
    const std::string expected = In(one, one.expected);
    EXPECT_THAT(refused.err, HasSubstr(expected));
    EXPECT_THAT(refused.err, HasSubstr("nothing was written"));
    EXPECT_THAT(rotv.Sync({"doctor"}).out, HasSubstr(expected));
    const size_t line = refused.err.find("add ") + 4;
    if (HasFailure()) break;
    rules += refused.err.substr(line, refused.err.find(" to [mask]", line) - line) + "\n";
    SetRules(rules);
    const Result pulled = rotv.Sync({"pull"});
    EXPECT_TRUE(pulled.ok()) << pulled.err;
    if (HasFailure()) break;
  }
  ExpectNothingPlanted("in the end");
}

TEST_F(MaskLineageTest, AnotherSecretWithoutRulesStops) {
  Exec(kPeople);
  SetRules("\"public.people.email\" = \"email\"\n");
  rotv.MustSync({"baseline"});
  SetRules("");
  rotv.MustSync({"pull"});
  const std::string secret = ReadFile(rotv.home() / "mask-secret");
  WriteFile(rotv.home() / "mask-secret", std::string(64, 'a') + "\n", 0600);
  EXPECT_EQ(rotv.Sync({"pull"}).exit_status, 2);
  std::filesystem::remove(rotv.home() / "mask-secret");
  const Result refused = rotv.Sync({"pull"});
  EXPECT_EQ(refused.exit_status, 2);
  EXPECT_THAT(refused.err,
              HasSubstr("(public.people.email among them) have no rule in the config, and the secret is not"));
  EXPECT_FALSE(std::filesystem::exists(rotv.home() / "mask-secret")) << "no new secret is created for it";
  WriteFile(rotv.home() / "elsewhere", secret, 0600);
  SetRules("mask_secret = \"" + (rotv.home() / "elsewhere").native() + "\"\n");
  rotv.MustSync({"pull"});
  ExpectNothingPlanted("with the former secret");
}

TEST_F(MaskLineageTest, AKeepThatNamesTheColumnEndsItsMask) {
  Exec(std::string(kVisits) + ";" + kPeople);
  SetRules("\"public.visits.email\" = \"email\"\n\"public.people.email\" = \"email\"\n");
  rotv.MustSync({"baseline"});
  Exec("ALTER TABLE visits DETACH PARTITION visits_2025");
  rotv.MustSync({"pull"});
  SetRules(
      "\"public.visits.email\" = \"keep\"\n\"public.people.email\" = \"email\"\n\"public.visits_2025.email\" = "
      "\"keep\"\n");
  const std::string output = rotv.MustSync({"pull"});
  EXPECT_THAT(output, HasSubstr("Resynced (2 rows): public.visits_2025, public.visits_2026."));
  EXPECT_THAT(output, Not(HasSubstr("Still masked")));
  EXPECT_THAT(ReadFile(rotv.Seed()), HasSubstr("planted"));
  // The mask has ended, whatever the config says later.
  SetRules("mask_unknown = \"keep\"\n\"public.people.email\" = \"email\"\n");
  EXPECT_THAT(rotv.MustSync({"pull"}), Not(HasSubstr("Still masked")));
}

// A table without rows here for a while is not forgotten.
TEST_F(MaskLineageTest, AMaskOutlivesAnExclusion) {
  Exec(kPeople);
  SetRules("\"public.people.email\" = \"email\"\n");
  rotv.MustSync({"baseline"});
  rotv.Configure({{"exclude", R"(["public.people"])"}});
  rotv.MustSync({"pull"});
  rotv.Configure({{"exclude", ""}});
  EXPECT_THAT(rotv.MustSync({"pull"}), HasSubstr("public.people.email (email)"));
  ExpectNothingPlanted("with its rows again");
}

}  // namespace
}  // namespace rotv::testing
