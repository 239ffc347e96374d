// Personal data never reach this machine's disk, whichever way rows come, and the masked data are usable.
//
// Labels: asan

#include <gmock/gmock.h>

#include <csignal>
#include <nlohmann/json.hpp>

#include "tests/e2e/follow_fixture.h"

namespace rotv::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kRules = R"(
[mask]
mask_unknown = "refuse"
"public.people.email" = "email"
"public.people.full_name" = "name"
"public.people.first_name" = "first_name"
"public.people.last_name" = "last_name"
"public.people.phone" = "phone"
"public.people.street" = "address"
"public.people.last_ip" = "ip"
"public.people.home_page" = "url"
"public.people.ref" = "uuid"
"public.people.notes" = "text"
"public.people.token" = { rule = "hash", length = 40 }
"public.people.raw" = { rule = "hash", length = 8 }
"public.people.born" = { rule = "date", days = 400 }
"public.people.salary" = { rule = "number", by = 1000 }
"public.people.password" = { rule = "password", value = "$2b$known" }
"public.people.remark" = "null"
"public.people.kind" = { rule = "constant", value = "person" }
"public.people.profile" = { rule = "json", paths = { "$..mail" = "email", "$.n" = "text" } }
"*.*.person_email" = "email"
"public.log.line" = "text"
"public.audit" = "drop"
)";

RotvHomeOptions MaskOptions(const std::string& rules) {
  RotvHomeOptions options = FollowOptions();
  options.way = Way::kDirect;
  options.more_config = rules;
  return options;
}

class MaskTest : public FollowTest {
 protected:
  MaskTest() : FollowTest(MaskOptions(kRules)) {
    Exec(
        "CREATE TABLE people (id int PRIMARY KEY, email varchar(60) UNIQUE NOT NULL, full_name text, first_name text, "
        "last_name text, phone text, street text, last_ip inet, home_page text, ref uuid, notes text, token char(40), "
        "raw bytea, born date, salary numeric(10,2), password text, remark text, kind text, profile jsonb, plain int);"
        "ALTER TABLE people ALTER notes SET STORAGE EXTERNAL;"
        "CREATE TABLE orders (id int PRIMARY KEY, person_email varchar(60) REFERENCES people (email) ON UPDATE "
        "CASCADE);"
        "CREATE TABLE by_email (person_email text PRIMARY KEY, n int);"
        "CREATE TABLE bag (person_email text, n int); ALTER TABLE bag REPLICA IDENTITY FULL;"
        "CREATE TABLE log (line text); CREATE TABLE audit (id int PRIMARY KEY, what text)");
    for (int id = 1; id <= 40; ++id) AddPerson(id);
    Exec("INSERT INTO audit VALUES (1, 'planted-audit')");
  }

  // Every value of a person contains the word "planted", or its equivalent in the type.
  void AddPerson(int id) {
    const std::string n = std::to_string(id);
    Exec("INSERT INTO people VALUES (" + n + ", 'planted" + n + "@secret.example', 'Planted Person " + n +
         "', 'Planted" + n + "', 'Plantedson" + n + "', '+49 7777 55" + std::to_string(1000 + id) +
         "', 'Plantedstreet " + n + "', '203.0.113." + n + "', 'https://planted.example/" + n +
         "', 'deadbeef-0000-4000-8000-" + std::to_string(100000000000 + id) + "', repeat('planted note " + n +
         " ', 300), 'plantedtoken" + n + "', '\\xfeedfacecafe" + std::to_string(10 + id) +
         "', '1977-07-07', 987654.32, 'plantedhash" + n +
         "', 'planted remark', "
         "'plantedkind', '{\"a\": [{\"mail\": \"planted@json.example\"}], \"n\": \"planted n\", \"kept\": 1.50}', 7);"
         "INSERT INTO orders VALUES (" +
         n + ", 'planted" + n +
         "@secret.example');"
         "INSERT INTO by_email VALUES ('planted" +
         n +
         "@secret.example', 1);"
         "INSERT INTO bag VALUES ('planted" +
         n + "@secret.example', 1), ('planted" + n +
         "@secret.example', 1);"
         "INSERT INTO log VALUES ('planted log line " +
         n + "')");
  }

  // Checks that no file of the home, no seed and no output contains data of the source's people.
  void ExpectNothingPlanted(const std::string& when) {
    SCOPED_TRACE(when);
    for (const auto& entry : std::filesystem::recursive_directory_iterator(rotv.directory())) {
      if (!entry.is_regular_file() || entry.path().native().find("/home/") == std::string::npos) continue;
      ExpectClean(ReadFile(entry.path()), entry.path());
    }
    ExpectClean(written_, "what was written");
  }
  static void ExpectClean(const std::string& bytes, const std::string& where) {
    // At least seven letters: fake texts contain shorter words by chance.
    static const char* const kPlanted[] = {"planted",       "Planted",      "7777 55",    "203.0.113.",
                                           "deadbeef-0000", "feedfacecafe", "1977-07-07", "987654.32"};
    for (const char* planted : kPlanted) {
      const size_t at = bytes.find(planted);
      EXPECT_EQ(at, std::string::npos) << planted << " in " << where << ": "
                                       << bytes.substr(at - std::min<size_t>(at, 40), 100);
    }
  }
  // The store's rows are compressed: a seed shows them all, and the log their keys.
  void Pull() {
    Keep(rotv.Sync({"-v", "pull"}));
    Keep(rotv.Sync({"materialize", "--output", rotv.home() / "seed.sql"}));
    Keep(rotv.Sync({"log"}));
  }
  void Keep(const Result& result) {
    EXPECT_TRUE(result.ok()) << result.err;
    written_ += result.out + result.err;
  }

  // Imports the seed into a database, with all constraints.
  void Import() {
    if (imported_) rotv.server().Exec("DROP DATABASE masked", {"postgres", "postgres"});
    rotv.server().CreateDatabase("masked");
    imported_ = true;
    const Result psql = rotv.server().Psql(rotv.Seed(), {"masked", "postgres"});
    ASSERT_TRUE(psql.ok()) << psql.err;
  }
  // A row is masked the same, whichever way it came.
  void ExpectAsCopiedAfresh() {
    const std::string streamed = ReadFile(rotv.Seed("streamed.sql"));
    rotv.MustSync({"baseline", "--force"});
    EXPECT_TRUE(DumpsAreEqual({"what was streamed", streamed}, {"what was copied", ReadFile(rotv.Seed("copied.sql"))}));
  }
  std::string Masked(const std::string& query) { return rotv.server().Value(query, {"masked", "postgres"}); }
  void ExpectSameNumber(const std::string& query) { EXPECT_EQ(Masked(query), rotv.server().Value(query)) << query; }
  void ExpectSameJoins() {
    for (const char* table : {"people", "orders", "by_email", "bag", "log"}) {
      ExpectSameNumber(std::string("SELECT count(*) FROM public.") + table);
    }
    ExpectSameNumber("SELECT count(*) FROM public.people JOIN public.orders ON email = person_email");
    ExpectSameNumber("SELECT count(*) FROM public.people JOIN public.by_email ON email = person_email");
    ExpectSameNumber("SELECT count(*) FROM public.people JOIN public.bag ON email = person_email");
    ExpectSameNumber("SELECT count(DISTINCT email) FROM public.people");
    ExpectSameNumber("SELECT sum(plain) FROM public.people");
    EXPECT_EQ(Masked("SELECT count(*) FROM public.audit"), "0");
  }

  std::string written_;
  bool imported_ = false;
};

TEST_F(MaskTest, PlantedValuesNeverReachTheDisk) {
  Pull();
  ExpectNothingPlanted("after the baseline");
  Import();
  ExpectSameJoins();
  EXPECT_EQ(
      Masked("SELECT count(*) FROM public.people WHERE password = '$2b$known' AND remark IS NULL AND kind = 'person' "
             "AND profile->>'kept' = '1.50'"),
      "40");

  for (int id = 41; id <= 60; ++id) AddPerson(id);
  Exec("UPDATE people SET plain = 8 WHERE id < 10");  // Its large notes are not sent.
  Exec("UPDATE people SET email = 'planted-new' || id || '@secret.example' WHERE id BETWEEN 10 AND 20");
  Exec("UPDATE by_email SET person_email = 'planted-new' || person_email WHERE person_email LIKE 'planted1%'");
  Exec("UPDATE bag SET person_email = 'planted-new' || person_email WHERE person_email LIKE 'planted2%'");
  Exec("DELETE FROM orders WHERE id BETWEEN 5 AND 8; DELETE FROM people WHERE id BETWEEN 5 AND 8");
  Exec("DELETE FROM bag WHERE person_email LIKE 'planted3%'; DELETE FROM log WHERE line LIKE '%1'");
  Pull();
  ExpectNothingPlanted("after a pull");
  Import();
  ExpectSameJoins();

  // A migration forces a resync, with a kill in the middle.
  Exec("ALTER TABLE people ALTER notes TYPE varchar(9000) USING notes || ' planted again'");
  for (int round = 0; round < 3; ++round) {
    Process pull(rotv.SyncCommand({"pull"}));
    pull.WaitFor(std::chrono::milliseconds(60 * (round + 1)));
    pull.Signal(SIGKILL);
    pull.Wait();
    written_ += pull.Err();
    ExpectNothingPlanted("after a kill");
  }
  Pull();
  Keep(rotv.Sync({"snapshot", "create", "shared"}));
  Keep(rotv.Sync({"snapshot", "export", "shared", rotv.home() / "shared.rotv"}));
  Keep(rotv.Sync({"snapshot", "diff", "baseline", "head", "--rows", "--html", rotv.home() / "changes.html"}));
  Keep(rotv.Sync({"verify"}));
  ExpectNothingPlanted("in the end");
  Import();
  ExpectSameJoins();
  ExpectAsCopiedAfresh();
}

TEST_F(MaskTest, TheSecretDeterminesTheValues) {
  rotv.MustSync({"pull"});
  const std::string first = ReadFile(rotv.Seed());
  EXPECT_EQ(std::filesystem::status(rotv.home() / "mask-secret").permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  rotv.MustSync({"baseline", "--force"});
  EXPECT_EQ(ReadFile(rotv.Seed()), first);
  // Another secret: tables stored under the first one are resynced.
  WriteFile(rotv.home() / "mask-secret", std::string(64, 'a') + "\n", 0600);
  EXPECT_THAT(rotv.MustSync({"pull"}), HasSubstr("Resynced ("));
  const std::string second = ReadFile(rotv.Seed());
  EXPECT_NE(second, first);
  ExpectClean(second, "the seed");
  WriteFile(rotv.home() / "mask-secret", "nonsense\n", 0600);
  EXPECT_EQ(rotv.Sync({"pull"}).exit_status, 2);
  std::filesystem::permissions(rotv.home() / "mask-secret", std::filesystem::perms::others_read,
                               std::filesystem::perm_options::add);
  EXPECT_THAT(rotv.Sync({"pull"}).err, HasSubstr("can be read by others"));
}

class MaskRulesTest : public FollowTest {
 protected:
  MaskRulesTest() : FollowTest(MaskOptions("")) {
    Exec(
        "CREATE TABLE people (id int PRIMARY KEY, email text UNIQUE, nick text, age int NOT NULL);"
        "INSERT INTO people SELECT n, 'planted' || n, 'nick' || n, n FROM generate_series(1, 20) n;"
        "CREATE TABLE orders (id int PRIMARY KEY, who text REFERENCES people (email));"
        "INSERT INTO orders SELECT n, 'planted' || n FROM generate_series(1, 20) n;"
        "CREATE TABLE calm (id int PRIMARY KEY, v text); INSERT INTO calm SELECT n, 'v' FROM generate_series(1, 9) n;"
        "CREATE DOMAIN short AS varchar(5); CREATE TABLE odd (id int PRIMARY KEY, d short, tags text[]);"
        "CREATE TABLE parts (id int, region text, mail text, PRIMARY KEY (id, region)) PARTITION BY LIST (region);"
        "CREATE TABLE parts_eu PARTITION OF parts FOR VALUES IN ('eu');"
        "INSERT INTO parts VALUES (1, 'eu', 'planted-eu');"
        "CREATE TABLE staff (PRIMARY KEY (id), room int) INHERITS (people); INSERT INTO staff VALUES (99, "
        "'planted-staff', 'x', 50, 1)");
  }
  // Sets the rules; without any there is no section.
  void SetRules(const std::string& rules) const {
    std::string text = ReadFile(rotv.config());
    text = text.substr(0, text.find("[mask]"));
    if (!rules.empty()) text += "[mask]\n" + fine_ + rules;
    WriteFile(rotv.config(), text);
  }
  std::string ExpectRefused(const std::string& rules, const std::string& command) {
    SetRules(rules);
    const Result result = rotv.Sync({command});
    EXPECT_EQ(result.exit_status, 2) << rules << result.out;
    return result.out + result.err;
  }
  void IsFine(const std::string& table) { fine_ += "\"" + table + "\" = \"keep\"\n"; }

  std::string fine_ = "\"public.parts\" = \"keep\"\n";  // For tests that are not about PII detection.
};

TEST_F(MaskRulesTest, RulesThatDoNotFitStopBeforeAnyWrite) {
  const std::string both = "\"public.people.email\" = \"email\"\n\"public.orders.who\" = \"email\"\n";
  for (const auto& [rules, expected] :
       {std::pair<std::string, std::string>{both + "\"public.people.mobile\" = \"phone\"",
                                            "public.people.mobile: there is no such column"},
        {both + "\"public.persons\" = \"drop\"", "public.persons: there is no such table"},
        {both + "\"*.*.mobile\" = \"phone\"", "*.*.mobile: there is no such column"},
        {both + "\"public.people.age\" = \"text\"", "public.people.age: \"text\" cannot mask a column of type int4"},
        {both + "\"public.people.age\" = \"null\"", "public.people.age: the column takes no NULL"},
        {both + "\"public.odd.d\" = \"email\"", "and the column takes 5"},
        {both + "\"public.odd.tags\" = \"text\"", "cannot mask a column of type _text"},
        {"\"public.people.email\" = \"email\"",
         "public.orders.who references public.people.email: both need the same rule"},
        {"\"public.people.email\" = \"text\"\n\"public.orders.who\" = \"email\"", "both need the same rule"},
        {"\"public.people.email\" = { rule = \"constant\", value = \"x\" }\n\"public.orders.who\" = { rule = "
         "\"constant\", value = \"x\" }",
         "would not keep the column unique"},
        {both + "\"*.people.nick\" = \"text\"\n\"public.*.nick\" = \"name\"", "two rules that are equally exact"},
        {both + "\"public.parts.region\" = \"text\"", "decides which partition"},
        {"\"public.people.nick\" = \"text\"", "public.people.email looks personal by its name, and has no rule"}}) {
    EXPECT_THAT(ExpectRefused(rules, "baseline"), HasSubstr(expected)) << rules;
    EXPECT_THAT(ExpectRefused(rules, "doctor"), HasSubstr(expected)) << rules;
  }
  EXPECT_TRUE(rotv.LeftOnSource().empty());
  EXPECT_FALSE(std::filesystem::exists(rotv.home() / "sources/production/current"));

  // A rule for a table without rows here is not checked.
  rotv.Configure({{"exclude", R"(["public.orders"])"}});
  SetRules("\"public.people.email\" = \"email\"\n\"public.orders.id\" = \"email\"\n");
  EXPECT_EQ(rotv.Sync({"doctor"}).exit_status, 0) << rotv.Sync({"doctor"}).out;
}

TEST_F(MaskRulesTest, ChangedRulesResyncOnlyTheirTables) {
  rotv.MustSync({"pull"});
  EXPECT_THAT(ReadFile(rotv.Seed()), HasSubstr("planted7"));
  SetRules(
      "\"public.people.email\" = \"email\"\n\"public.orders.who\" = \"email\"\n\"public.parts.mail\" = \"email\"\n");
  Exec("INSERT INTO calm VALUES (100, 'more'); UPDATE people SET nick = 'other' WHERE id = 3");
  const std::string output = rotv.MustSync({"pull"});
  EXPECT_THAT(output, HasSubstr("The masking rules, or their secret, have changed."));
  EXPECT_THAT(output, HasSubstr("Resynced (42 rows): public.orders, public.parts_eu, public.people, public.staff."));
  EXPECT_THAT(output, HasSubstr("rotv-sync baseline --force"));
  EXPECT_THAT(ReadFile(rotv.Seed()), Not(HasSubstr("planted")));
  EXPECT_THAT(rotv.MustSync({"pull"}), HasSubstr("up to date"));

  // A column that looks personal appears later.
  Exec("ALTER TABLE people ADD phone text DEFAULT 'planted phone'; INSERT INTO calm VALUES (101, 'more')");
  const Result refused = rotv.Sync({"pull"});
  EXPECT_EQ(refused.exit_status, 2);
  EXPECT_THAT(refused.err, HasSubstr("public.people.phone looks personal by its name"));
  EXPECT_THAT(refused.err, HasSubstr("rotv-sync mask suggest"));
  EXPECT_THAT(ReadFile(rotv.Seed()), Not(HasSubstr("planted phone")));
  SetRules(
      "mask_unknown = \"null\"\n\"public.people.email\" = \"email\"\n\"public.orders.who\" = \"email\"\n"
      "\"public.parts.mail\" = \"email\"\n");
  rotv.MustSync({"pull"});
  EXPECT_THAT(ReadFile(rotv.Seed("last.sql")), Not(HasSubstr("planted phone\n")));

  // Without rules the columns stay masked; with "keep" the values are the source's again.
  SetRules("");
  EXPECT_THAT(rotv.MustSync({"pull"}), HasSubstr("Still masked, although no rule in the config covers them"));
  EXPECT_THAT(ReadFile(rotv.Seed("last.sql")), Not(HasSubstr("planted7")));
  SetRules(
      "\"public.people.email\" = \"keep\"\n\"public.people.phone\" = \"keep\"\n"
      "\"public.orders.who\" = \"keep\"\n\"public.parts.mail\" = \"keep\"\n");
  EXPECT_THAT(rotv.MustSync({"pull"}), HasSubstr("Resynced ("));
  rotv.ExpectSeedIsDump({.import = Import::kNone});  // An import puts a child table's inherited columns first.
}

TEST_F(MaskRulesTest, MaskedValuesSatisfyTheSourcesConstraints) {
  IsFine("public.people");
  Exec(
      "CREATE DOMAIN code AS text CHECK (VALUE ~ '^[A-Z]{2}-[0-9]{4}$');"
      "CREATE TABLE checked (id int PRIMARY KEY, state text CHECK (state IN ('planted-open', 'planted-shut')), "
      "tag code, size int CHECK (size > 0), low text CHECK (low = lower(low)));"
      "INSERT INTO checked SELECT n, 'planted-open', 'AB-' || 1000 + n, n, 'planted low' FROM generate_series(1, 30) "
      "n");
  const std::string fine = "\"public.checked.tag\" = \"text\"\n\"public.checked.low\" = \"text\"\n";
  EXPECT_THAT(
      ExpectRefused(fine + "\"public.checked.state\" = \"text\"\n", "baseline"),
      HasSubstr("public.checked.state: a value masked by \"text\" does not meet the constraint checked_state_check"));
  EXPECT_THAT(ExpectRefused(fine + "\"public.checked.state\" = \"text\"\n", "doctor"),
              HasSubstr("checked_state_check"));
  EXPECT_THAT(ExpectRefused("\"public.checked.tag\" = \"email\"\n", "baseline"),
              HasSubstr("public.checked.tag: a value masked by \"email\" is not a value of the domain public.code"));
  EXPECT_THAT(ExpectRefused("\"public.checked.size\" = { rule = \"constant\", value = \"many\" }\n", "baseline"),
              HasSubstr("public.checked.size: a value masked by \"constant\" is not a value of type int4"));
  // A constraint over several columns, some of which need not be masked.
  Exec(
      "CREATE TABLE spans (id int PRIMARY KEY, begins date, ends date, one text, other text, CONSTRAINT in_order CHECK "
      "(begins < ends), CONSTRAINT the_same CHECK (one = other), CONSTRAINT told CHECK (one IS NOT NULL OR id > 0));"
      "INSERT INTO spans SELECT n, date '2026-01-01' + n, date '2026-01-02' + n, 'planted' || n, 'planted' || n FROM "
      "generate_series(1, 40) n");
  EXPECT_THAT(ExpectRefused("\"public.spans.begins\" = { rule = \"date\", days = 300 }\n", "baseline"),
              HasSubstr("public.spans.begins: a value masked by \"date\" does not meet the constraint in_order"));
  EXPECT_THAT(
      ExpectRefused("\"public.spans.one\" = \"email\"\n\"public.spans.other\" = \"text\"\n", "baseline"),
      HasSubstr("public.spans.one (email) and public.spans.other (text): a row masked by these rules does not meet the "
                "constraint the_same"));
  const std::string together = "\"public.spans.one\" = \"email\"\n\"public.spans.other\" = \"email\"\n";
  SetRules(fine + together);
  rotv.MustSync({"pull"});
  EXPECT_THAT(ExpectRefused(fine + "\"public.checked.state\" = \"name\"\n", "pull"), HasSubstr("checked_state_check"));
  rotv.server().CreateDatabase("checked");
  SetRules(fine + together);
  EXPECT_TRUE(rotv.server().Psql(rotv.Seed(), {"checked", "postgres"}).ok());
}

TEST_F(MaskRulesTest, SuggestedRulesWork) {
  Exec(
      "CREATE TABLE mixed (id int PRIMARY KEY, contact text, handle text, at inet, api_key varchar(20), pan text, tel "
      "text, "
      "born date, doc jsonb, plain text, number text, \"odd.Name\" text);"
      "INSERT INTO mixed SELECT n, 'me' || n || '@home.example', 'handle' || n, '10.1.1.1', 'k' || n, '4111 1111 1111 "
      "1111', "
      "'+49 170 55501' || n, '1970-01-01', '{\"mail\": \"a@b.cc\"}', 'plain words', n, 'x@y.zz' FROM "
      "generate_series(10, 30) n");
  const std::string suggested = rotv.MustSync({"mask", "suggest"});
  for (const char* line :
       {"\"public.people.email\" = \"email\"\n",
        "# a foreign key with public.people.email\n\"public.orders.who\" = \"email\"\n",
        "# its values (21 of 21 look like e-mail addresses, or contain some)\n\"public.mixed.contact\" = \"email\"\n",
        "\"public.mixed.at\" = \"ip\"\n", "\"public.mixed.api_key\" = \"text\"\n",
        "look like card numbers)\n\"public.mixed.pan\" = \"text\"\n", "\"public.mixed.tel\" = \"phone\"\n",
        "\"public.mixed.born\" = { rule = \"date\", days = 365 }\n",
        "# its values (21 of 21 look like e-mail addresses, or contain some)\n\"public.mixed.doc\" = \"null\"\n",
        "'public.mixed.\"odd.Name\"' = \"email\"\n", "\"public.parts.mail\" = \"email\"\n"}) {
    EXPECT_THAT(suggested, HasSubstr(line));
  }
  for (const char* not_suspected :
       {"mixed.plain", "mixed.number", "mixed.id", "people.age", "planted", "home.example"}) {
    EXPECT_THAT(suggested, Not(HasSubstr(not_suspected)));
  }
  EXPECT_TRUE(rotv.LeftOnSource().empty());
  // The suggestions can be used unchanged.
  WriteFile(rotv.config(), ReadFile(rotv.config()) + suggested);
  rotv.MustSync({"pull"});
  EXPECT_THAT(ReadFile(rotv.Seed()), Not(HasSubstr("planted")));
  EXPECT_THAT(rotv.MustSync({"mask", "check"}), HasSubstr("no unmasked value was found"));
}

TEST_F(MaskRulesTest, TheCheckFindsRemainingValues) {
  IsFine("public.calm");
  EXPECT_EQ(rotv.Sync({"mask", "check"}).exit_status, 2);  // There is no baseline.
  Exec(
      "UPDATE calm SET v = 'write to planted' || id || '0@secret.example' WHERE id < 4;"
      "UPDATE orders SET who = NULL; UPDATE people SET email = email || '0@secret.example'");
  SetRules("");
  rotv.MustSync({"baseline"});
  rotv.MustSync({"materialize", "--compress", "zstd"});
  rotv.MustSync({"materialize", "--compress", "gzip"});
  SetRules(
      "\"public.people.email\" = \"email\"\n\"public.orders.who\" = \"email\"\n"
      "\"public.people.age\" = { rule = \"number\", by = 20 }\n\"public.people.nick\" = \"name\"\n");
  rotv.MustSync({"pull"});
  rotv.MustSync({"materialize"});
  Exec("UPDATE people SET email = email || '.later' WHERE id = 20");
  const Result found = rotv.Sync({"mask", "check"});
  EXPECT_EQ(found.exit_status, 7);
  EXPECT_THAT(found.out,
              HasSubstr("public.people.email (email): 20 values sampled, 19 masked as the rule says, 1 changed"));
  EXPECT_THAT(found.out, HasSubstr("public.people.email: its values are in 3 rows of public.calm.v"));
  // Seeds from before the rules are reported; in a present one, the masked column itself is no finding.
  const std::string home = rotv.home();
  EXPECT_THAT(found.out,
              HasSubstr("public.people.email: its values are in 22 rows of " + home + "/seed-data.sql.zst\n"));
  EXPECT_THAT(found.out, HasSubstr("22 rows of " + home + "/seed-data.sql.gz\n"));
  EXPECT_THAT(found.out, HasSubstr("3 rows of " + home + "/seed-data.sql\n"));
  // Small numbers, and words that fake values are made of, are judged by their rows.
  EXPECT_THAT(found.out, HasSubstr("public.people.age: its values are in 20 rows of " + home + "/seed-data.sql.gz"));
  EXPECT_THAT(found.out, HasSubstr("public.people.nick: its values are in 20 rows of " + home + "/seed-data.sql.gz"));
  EXPECT_THAT(found.out, Not(HasSubstr("age: its values are in 20 rows of " + home + "/seed-data.sql\n")));
  EXPECT_THAT(found.out, HasSubstr(", and 3 seeds in "));
  EXPECT_THAT(found.out + found.err, Not(HasSubstr("planted")));
  const auto json = nlohmann::json::parse(rotv.Sync({"--json", "mask", "check"}).out);
  EXPECT_EQ(json.at("clean"), false);
  EXPECT_EQ(json.at("leaks")[0].at("rows"), 3);

  Exec("UPDATE calm SET v = 'nothing'");
  rotv.MustSync({"pull"});
  auto leaks = [&] {
    const auto result = nlohmann::json::parse(rotv.Sync({"--json", "mask", "check"}).out);
    return std::pair(result.at("leaks").size(), result.at("versions").get<int>());
  };
  // Earlier states have the real values and the note; both disappear with the history.
  EXPECT_EQ(leaks(), std::pair(size_t{20}, 51));
  EXPECT_THAT(rotv.Sync({"mask", "check"}).out,
              HasSubstr("public.people.email: its values are in 19 rows of public.people.email in earlier states"));
  rotv.MustSync({"gc", "--keep-days", "0"});
  EXPECT_EQ(leaks(), std::pair(size_t{20}, 50)) << "the baseline stays";
  rotv.MustSync({"baseline", "--force"});
  EXPECT_EQ(leaks(), std::pair(size_t{13}, 0));
  std::filesystem::resize_file(home + "/seed-data.sql.zst", 100);
  EXPECT_THAT(rotv.Sync({"mask", "check"}).err, HasSubstr("seed-data.sql.zst is damaged"));
  for (const char* ending : {"", ".zst", ".gz"}) std::filesystem::remove(home + "/seed-data.sql" + ending);
  EXPECT_EQ(nlohmann::json::parse(rotv.MustSync({"--json", "mask", "check"})).at("clean"), true);
  SetRules("\"public.people.email\" = \"text\"\n\"public.orders.who\" = \"text\"\n");
  EXPECT_THAT(rotv.Sync({"mask", "check"}).err, HasSubstr("stored under other rules"));
  SetRules(
      "\"public.people.email\" = \"keep\"\n\"public.orders.who\" = \"keep\"\n"
      "\"public.people.age\" = \"keep\"\n\"public.people.nick\" = \"keep\"\n");
  rotv.MustSync({"pull"});
  EXPECT_THAT(rotv.Sync({"mask", "check"}).err, HasSubstr("no column of production is masked"));
}

TEST_F(MaskRulesTest, ASampleKeepsTheSameRows) {
  IsFine("*.people");
  Exec(
      "CREATE TABLE visits (id int PRIMARY KEY, v text, big text); ALTER TABLE visits ALTER big SET STORAGE EXTERNAL;"
      "INSERT INTO visits SELECT n, 'v', repeat('b', 5000) FROM generate_series(1, 1000) n;"
      "CREATE TABLE lines (v text); ALTER TABLE lines REPLICA IDENTITY FULL;"
      "INSERT INTO lines SELECT 'line ' || n % 200 FROM generate_series(1, 1000) n");
  const std::string rules =
      "\"public.visits\" = { rule = \"sample\", percent = 20 }\n\"public.lines\" = { rule = \"sample\", percent = 50 "
      "}\n";
  SetRules(rules);
  rotv.MustSync({"baseline"});
  auto rows_of = [&](const std::string& table) {
    const std::string seed = ReadFile(rotv.Seed());
    const size_t begin = seed.find('\n', seed.find("COPY public." + table));
    const std::string rows = seed.substr(begin, seed.find("\\.\n", begin) - begin);
    return std::count(rows.begin(), rows.end(), '\n') - 1;
  };
  EXPECT_GT(rows_of("visits"), 120);
  EXPECT_LT(rows_of("visits"), 290);
  EXPECT_GT(rows_of("lines"), 300);
  EXPECT_LT(rows_of("lines"), 700);
  Exec(
      "UPDATE visits SET v = 'changed' WHERE id % 3 = 0; DELETE FROM visits WHERE id % 7 = 0;"
      "INSERT INTO visits SELECT n, 'new', 'small' FROM generate_series(2001, 2300) n;"
      "UPDATE visits SET id = id + 5000, v = 'moved' WHERE id % 5 = 0;"  // Their large values are not sent.
      "UPDATE lines SET v = v || '!' WHERE v LIKE '%1'; DELETE FROM lines WHERE v LIKE '%2'; INSERT INTO lines VALUES "
      "('line 5')");
  rotv.MustSync({"pull"});
  const std::string streamed = ReadFile(rotv.Seed("streamed.sql"));
  rotv.MustSync({"baseline", "--force"});
  EXPECT_TRUE(DumpsAreEqual({"what was streamed", streamed}, {"what was copied", ReadFile(rotv.Seed("copied.sql"))}));
  rotv.MustSync({"verify"});

  // Referenced rows cannot be left out.
  EXPECT_THAT(ExpectRefused(rules + "\"public.people\" = { rule = \"sample\", percent = 20 }\n", "pull"),
              HasSubstr("public.orders (who) references public.people, of which a masking rule keeps a sample"));
}

}  // namespace
}  // namespace rotv::testing
