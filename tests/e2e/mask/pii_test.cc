// PII detection: once there is a [mask] section, no column that looks personal is copied without a rule, and sampled
// values stay in memory.

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <random>
#include <regex>
#include <set>

#include "tests/e2e/follow_fixture.h"

namespace rotv::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

RotvHomeOptions PiiOptions() {
  RotvHomeOptions options = FollowOptions();
  options.way = Way::kDirect;
  return options;
}

class PiiTest : public FollowTest {
 protected:
  PiiTest() : FollowTest(PiiOptions()) {}

  void SetRules(const std::string& rules) const {
    const std::string text = ReadFile(rotv.config());
    WriteFile(rotv.config(), text.substr(0, text.find("[mask]")) + "[mask]\n" + rules);
  }
  // Returns the output. Neither the output nor any file of the test's home contains a value of the source.
  std::string Refused(const std::vector<std::string>& arguments) {
    const Result result = rotv.Sync(arguments);
    EXPECT_EQ(result.exit_status, 2) << result.out << result.err;
    const std::string written = result.out + result.err;
    EXPECT_THAT(written, Not(HasSubstr("SECRET")));
    ExpectNothingOnDisk();
    return written;
  }
  void ExpectNothingOnDisk() const {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(rotv.directory())) {
      if (!entry.is_regular_file() || entry.path().native().find("/home/") == std::string::npos) continue;
      EXPECT_EQ(ReadFile(entry.path()).find("SECRET"), std::string::npos) << entry.path();
    }
  }
};

TEST_F(PiiTest, ColumnsOfAnyTypeAreRefusedByTheirNames) {
  ExecAsSuperuser(
      "CREATE EXTENSION hstore; CREATE TYPE app_addr AS (street text, town text); CREATE TYPE plain_row AS (a int, "
      "contact app_addr[]);"
      "CREATE DOMAIN mail AS text; CREATE DOMAIN mails AS mail[];"
      "CREATE TABLE u (id int PRIMARY KEY, main_email text, emails text[], phone bigint, phones varchar(20)[], address "
      "app_addr, email_xml xml, raw_email bytea, last_names text[], email_list jsonb, birth_dates daterange, ssn int);"
      "INSERT INTO u VALUES (1, 'a@b.c', '{anna.SECRET@x.org}', 4917012345, '{0170SECRET}', row('SECRET street', 'x'), "
      "'<a>SECRET</a>', 'anna.SECRET@x.org', '{SECRET}', '[\"anna.SECRET@x.org\"]', '[2000-01-01,2000-01-02)', "
      "123456789);"
      "CREATE TABLE more (id int PRIMARY KEY, home plain_row, email_h hstore, email_domains mails, seen inet, device "
      "macaddr, phone_range int8range, birth_spans datemultirange, token uuid, "
      "email_sent bool, email_count int, last_email_at timestamptz, email_status text, mood_email text GENERATED "
      "ALWAYS "
      "AS ('x' || id) STORED);"
      "ALTER TABLE u OWNER TO rotv; ALTER TABLE more OWNER TO rotv");
  SetRules("\"public.u.main_email\" = \"email\"\n");
  for (const char* command : {"baseline", "pull", "doctor"}) {
    const std::string output = Refused({command});
    for (const char* column : {"u.emails", "u.phone", "u.phones", "u.address", "u.email_xml", "u.raw_email",
                               "u.last_names", "u.email_list", "u.birth_dates", "u.ssn", "more.email_h",
                               "more.email_domains", "more.phone_range", "more.birth_spans", "more.token"}) {
      EXPECT_THAT(output, HasSubstr(fmt::format("public.{} looks personal by its name, and has no rule", column)));
    }
    EXPECT_THAT(output, HasSubstr("public.more.home looks personal by its attribute contact.street"));
    EXPECT_THAT(output, HasSubstr("public.more.seen looks personal by its type"));
    EXPECT_THAT(output, HasSubstr("public.more.device looks personal by its type"));
    for (const char* column :
         {"email_sent", "email_count", "last_email_at", "email_status", "mood_email", "main_email"})
      EXPECT_THAT(output, Not(HasSubstr(fmt::format("{} looks", column))));
  }
  EXPECT_TRUE(rotv.LeftOnSource().empty());

  // One line covers a table without PII. Columns with a rule are masked all the same.
  SetRules("\"public.u.main_email\" = \"email\"\n\"public.u\" = \"keep\"\n");
  EXPECT_THAT(Refused({"baseline"}), Not(HasSubstr("public.u.")));
  SetRules("\"public.u.main_email\" = \"email\"\n\"public.u\" = \"keep\"\n\"public.mor\" = \"keep\"\n");
  EXPECT_THAT(Refused({"baseline"}), HasSubstr("public.mor: there is no such table"));
  SetRules("\"public.u.main_email\" = \"email\"\n\"public.*\" = \"keep\"\n");
  rotv.MustSync({"baseline"});
  const std::string seed = ReadFile(rotv.Seed());
  EXPECT_THAT(seed, HasSubstr("SECRET street"));
  EXPECT_THAT(seed, Not(HasSubstr("a@b.c")));
}

TEST_F(PiiTest, ColumnsOfAnyTypeAreRefusedByTheirValues) {
  // No code of an owner runs with our rights: neither a cast nor a generated column's expression.
  ExecAsSuperuser("CREATE EXTENSION hstore; CREATE EXTENSION citext");
  Exec(
      "CREATE TYPE pair AS (a text, b text);"
      "CREATE FUNCTION evil(pair) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$BEGIN RAISE 'evil ran'; END$$;"
      "CREATE CAST (pair AS text) WITH FUNCTION evil(pair) AS ASSIGNMENT;"
      "CREATE TABLE calm (id int PRIMARY KEY, note text, doc jsonb, tags text[], raw bytea, p pair, h public.hstore, x "
      "xml, c public.citext, n varchar(99), plain text, odd pair, big text);"
      "INSERT INTO calm SELECT n, 'ask SECRET' || n || '@home.example', json_build_object('k', 'SECRET' || n || "
      "'@home.example')::jsonb, ARRAY['x', 'SECRET' || n || '@home.example'], convert_to('SECRET' || n || "
      "'@home.example', 'UTF8'), row('x y', 'SECRET' || n || '@home.example')::pair, public.hstore('k', 'SECRET' || n "
      "|| '@home.example'), xmlelement(name a, 'SECRET' || n || '@home.example'), 'SECRET' || n || '@home.example', "
      "'SECRET' || n || '@home.example', 'word', row('a', 'b')::pair, repeat('x', 3000) FROM generate_series(1, 30) n;"
      // The newest rows count too, even if most values are NULL.
      "CREATE TABLE long (id int PRIMARY KEY, v text, pad text);"
      "INSERT INTO long SELECT n, CASE WHEN n > 29900 THEN 'SECRET' || n || '@home.example' END, repeat('p', 100) FROM "
      "generate_series(1, 30000) n;"
      // Text after the first thousand characters, and rows that are not copied, are not searched.
      "CREATE TABLE far (id int PRIMARY KEY, v text); INSERT INTO far SELECT n, repeat('x', 1100) || n || "
      "'@home.example' FROM generate_series(1, 9) n;"
      "CREATE TABLE excluded (id int PRIMARY KEY, email text); INSERT INTO excluded VALUES (1, 'SECRET@home.example')");
  rotv.Configure({{"exclude", R"(["public.excluded"])"}});
  for (const char* unknown : {"", "mask_unknown = \"null\"\n"}) {
    SetRules(unknown);
    for (const char* command : {"baseline", "doctor"}) {
      const std::string output = Refused({command});
      for (const char* column : {"note", "doc", "tags", "raw", "p", "h", "x", "c", "n"}) {
        EXPECT_THAT(output,
                    HasSubstr(fmt::format("public.calm.{} looks personal by its values (30 of 30 look like", column)))
            << output;
      }
      EXPECT_THAT(output, HasSubstr("public.long.v looks personal by its values (80 of 80 look like"));
      for (const char* column : {"plain", "odd", "big", "far.v", "excluded"})
        EXPECT_THAT(output, Not(HasSubstr(fmt::format("{} looks", column))));
    }
  }
  SetRules("mask_unknown = \"keep\"\n");
  EXPECT_EQ(rotv.Sync({"doctor"}).exit_status, 0);
  SetRules("\"public.calm\" = \"keep\"\n\"public.long.v\" = \"email\"\n");
  rotv.MustSync({"baseline"});
}

TEST_F(PiiTest, APullChecksNewColumnsBeforeItWrites) {
  Exec(
      "CREATE TABLE people (id int PRIMARY KEY, email text); INSERT INTO people SELECT n, 'SECRET' || n || "
      "'@home.example' FROM generate_series(1, 20) n;"
      "CREATE TABLE calm (id int PRIMARY KEY, v text, n int); INSERT INTO calm SELECT n, 'words', n FROM "
      "generate_series(1, 20) n");
  const std::string rules = "\"public.people.email\" = \"email\"\n";
  SetRules(rules);
  rotv.MustSync({"baseline"});
  // The head, the followed tables, and the publication.
  const auto state = [this] {
    const auto status = nlohmann::json::parse(rotv.MustSync({"--json", "status", "--offline"}));
    return status.at("head").at("lsn").dump() + status.at("tables").dump() +
           rotv.server().Value("SELECT string_agg(prrelid::regclass::text, ',') FROM pg_publication_rel");
  };
  const std::string before = state();

  Exec(
      "CREATE TABLE newsletter (email text); CREATE TABLE people_backup AS SELECT * FROM people;"
      "CREATE TABLE copied AS SELECT id, email AS e FROM people; ALTER TABLE calm ADD w text DEFAULT "
      "'SECRET@home.example'; INSERT INTO people VALUES (99, 'SECRET99@home.example')");
  // Columns with the name of a masked column come first, with its rule.
  const std::string copies = "\"public.newsletter.email\" = \"email\"\n\"public.people_backup.email\" = \"email\"\n";
  const std::string reported_copies = Refused({"-v", "pull"});
  for (const char* table : {"newsletter", "people_backup"}) {
    EXPECT_THAT(reported_copies, HasSubstr(fmt::format("add \"public.{}.email\" = \"email\" to [mask]", table)));
  }
  EXPECT_EQ(state(), before);
  SetRules(rules + copies);
  const std::string output = Refused({"-v", "pull"});
  for (const char* column : {"copied.e", "calm.w"}) {
    EXPECT_THAT(output, HasSubstr(fmt::format("public.{} looks personal", column)));
  }
  EXPECT_EQ(state(), before);

  const std::string fine = rules + copies + "\"public.copied.e\" = \"email\"\n\"public.calm.w\" = \"null\"\n";
  SetRules(fine);
  rotv.MustSync({"pull"});
  ExpectNothingOnDisk();
  EXPECT_THAT(ReadFile(rotv.Seed()), Not(HasSubstr("SECRET1")));
  // A checked column is not read again, whatever it gets, until it or the rules change.
  Exec("UPDATE calm SET v = 'PLANTED' || id || '@home.example'; CREATE TABLE other (id int PRIMARY KEY)");
  rotv.MustSync({"pull"});
  Exec("ALTER TABLE calm ALTER v TYPE varchar(200)");
  EXPECT_THAT(Refused({"pull"}), HasSubstr("public.calm.v looks personal by its values (20 of 20"));
  Exec("ALTER TABLE calm ALTER v TYPE text");
  SetRules(fine + "\"public.other\" = \"keep\"\n");
  EXPECT_THAT(Refused({"pull"}), HasSubstr("public.calm.v looks personal by its values (20 of 20"));
}

// Tables of columns of any name, type and content, some partitioned, connected by foreign keys, kept or with rules.
class RandomCatalogue {
 public:
  explicit RandomCatalogue(unsigned seed) : random_(seed) {}
  static constexpr int kTables = 9;  // The findings in so many tables are reported in one message.

  std::string sql() {
    std::string all =
        "CREATE SCHEMA fine; CREATE TYPE addr AS (street text, n int); CREATE TYPE pair AS (a text, b date);";
    for (int table = 0; table < kTables; ++table) all += Table(table);
    return all;
  }
  const std::string& rules() const { return rules_; }

 private:
  struct Type {
    const char* name;
    std::vector<const char*> values;
  };

  template <class T>
  const T& Pick(const std::vector<T>& of) {
    return of[random_() % of.size()];
  }

  std::string Table(int number) {
    static const std::vector<const char*> kNames = {"email",      "emails",   "note",       "phone",      "telefon",
                                                    "birth_date", "ssn",      "address",    "title",      "token",
                                                    "last_name",  "salary",   "email_sent", "zip",        "plain",
                                                    "street",     "password", "vorname",    "ip_address", "status"};
    static const std::vector<Type> kTypes = {
        {"text", {"'word ' || n", "'w' || n || '@home.example'", "'+49 170 55501' || n % 90 + 10", "NULL"}},
        {"varchar(40)", {"'word ' || n", "'see w' || n || '@home.example'"}},
        {"text[]", {"ARRAY['w' || n]", "ARRAY['x', 'w' || n || '@home.example']"}},
        {"jsonb", {"'{}'::jsonb", "jsonb_build_object('k', 'w' || n || '@home.example')"}},
        {"bytea", {"'x'::bytea", "convert_to('w' || n || '@home.example', 'UTF8')"}},
        {"xml", {"'<a/>'::xml"}},
        {"int", {"n"}},
        {"bigint", {"n"}},
        {"numeric(12,2)", {"n"}},
        {"bool", {"true"}},
        {"date", {"date '2000-01-01' + n"}},
        {"timestamptz", {"now()"}},
        {"daterange", {"daterange(date '2000-01-01', date '2000-01-01' + n)"}},
        {"uuid", {"md5(n::text)::uuid"}},
        {"inet", {"('10.0.0.' || n)::inet"}},
        {"public.addr", {"row('s', n)::public.addr"}},
        {"public.pair", {"row('s', '2000-01-01')::public.pair", "row('w' || n || '@home.example', NULL)::public.pair"}},
    };
    const std::string schema = random_() % 5 == 0 ? "fine" : "public";
    const std::string name = fmt::format("{}.t{}", schema, number);
    std::string columns, values;
    std::set<std::string> names;
    for (size_t i = 1 + random_() % 7; i > 0; --i) {
      const std::string column = fmt::format("{}{}", Pick(kNames), random_() % 3 == 0 ? "_2" : "");
      if (!names.insert(column).second) continue;
      const Type& type = Pick(kTypes);
      const bool not_null = random_() % 4 == 0;
      const std::string value = Pick(type.values);
      columns += fmt::format(", {} {} {}", column, type.name, not_null && value != "NULL" ? "NOT NULL" : "");
      values += ", " + value;
      if (random_() % 6 == 0) rules_ += fmt::format("\"{}.{}\" = \"keep\"\n", name, column);
    }
    const bool parted = random_() % 4 == 0;
    // Personal only because the referenced column is.
    const char* reference =
        number > 0 && schema == "public" && random_() % 3 == 0 ? ", who text REFERENCES public.persons" : "";
    if (*reference != 0) values += ", n || ''";
    std::string sql;
    if (number == 0) {
      sql +=
          "CREATE TABLE public.persons (email text PRIMARY KEY); INSERT INTO public.persons SELECT n || '' FROM "
          "generate_series(1, 20) n;";
    }
    sql += fmt::format("CREATE TABLE {} (id int{}{}){};", name, columns, reference,
                       parted ? " PARTITION BY RANGE (id)" : "");
    if (parted) {
      sql += fmt::format(
          "CREATE TABLE {0}_a PARTITION OF {0} FOR VALUES FROM (1) TO (9); CREATE TABLE {0}_b PARTITION OF {0} "
          "DEFAULT;",
          name);
    }
    return sql + fmt::format("INSERT INTO {} SELECT n{} FROM generate_series(1, 20) n;", name, values);
  }

  std::mt19937 random_;
  std::string rules_;
};

class PiiEqualityTest : public PiiTest, public ::testing::WithParamInterface<unsigned> {};

TEST_P(PiiEqualityTest, SuggestionsMatchRefusalsAndWork) {
  RandomCatalogue catalogue(GetParam());
  const std::string ddl = catalogue.sql();
  SCOPED_TRACE(ddl);
  Exec(ddl);
  std::string rules = catalogue.rules();
  if (rotv.server().Value("SELECT count(*) FROM pg_tables WHERE schemaname = 'fine'") != "0") {
    rules += "\"fine.*\" = \"keep\"\n";
  }
  SetRules(rules);
  std::set<std::string> suggested;
  std::string suggestions;
  const auto document = nlohmann::json::parse(rotv.MustSync({"--json", "mask", "suggest"}));
  for (const auto& one : document.at("suggestions")) {
    const std::string column = one.at("column"), rule = one.at("rule");
    suggested.insert(column);
    suggestions += fmt::format("\"{}\" = {}\n", column, rule.empty() ? "\"keep\"" : rule);
    EXPECT_THAT(column, Not(::testing::StartsWith("fine.")));
  }
  EXPECT_THAT(suggested, ::testing::Contains("public.persons.email"));

  // Repeats until nothing is refused.
  std::set<std::string> refused;
  std::string kept = rules;
  for (size_t before = 1; refused.size() != before;) {
    before = refused.size();
    const Result doctor = rotv.Sync({"doctor"});
    const std::regex looks("([^ ]+) looks personal by ");
    for (std::sregex_iterator match(doctor.out.begin(), doctor.out.end(), looks), end; match != end; ++match) {
      if (refused.insert((*match)[1]).second) kept += fmt::format("\"{}\" = \"keep\"\n", (*match)[1].str());
    }
    SetRules(kept);
  }
  EXPECT_EQ(rotv.Sync({"doctor"}).exit_status, 0) << rotv.Sync({"doctor"}).out;
  EXPECT_EQ(refused, suggested);

  SetRules(rules + suggestions);
  rotv.MustSync({"baseline"});
  EXPECT_THAT(rotv.MustSync({"mask", "suggest"}), HasSubstr("No column without a rule looks personal."));
  rotv.server().CreateDatabase("imported");
  const Result psql = rotv.server().Psql(rotv.Seed(), {"imported", "postgres"});
  EXPECT_TRUE(psql.ok()) << psql.err;
}
INSTANTIATE_TEST_SUITE_P(Seeds, PiiEqualityTest, ::testing::Values(1U, 2U, 3U));

}  // namespace
}  // namespace rotv::testing
