// A real server accepts the masked forms of extreme values, and of values that are equal or unique by more than their
// bytes: the seed imports with all its constraints. What cannot be masked like that is refused before anything is
// written.

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <regex>

#include "storage/row_store.h"
#include "storage/workspace.h"
#include "sync/mask/letter_case.h"
#include "tests/e2e/follow_fixture.h"
#include "tests/support/random/mask_values.h"

namespace rotv::testing {
namespace {

using ::testing::HasSubstr;

RotvHomeOptions EdgeOptions() {
  RotvHomeOptions options = FollowOptions();
  options.way = Way::kDirect;
  options.more_config = "[mask]\nmask_unknown = \"keep\"\n";
  return options;
}

class MaskEdgesTest : public FollowTest {
 protected:
  MaskEdgesTest() : FollowTest(EdgeOptions()) {}

  void AddRule(const std::string& column, const std::string& rule) const {
    WriteFile(rotv.config(), ReadFile(rotv.config()) + fmt::format("\"{}\" = {}\n", column, rule));
  }
  void Import() {
    rotv.MustSync({"pull"});
    rotv.server().CreateDatabase("masked");
    const Result psql = rotv.server().Psql(rotv.Seed(), {"masked", "postgres"});
    ASSERT_TRUE(psql.ok()) << psql.err;
  }
  std::string Masked(const std::string& query) { return rotv.server().Value(query, {"masked", "postgres"}); }
  void ExpectSameNumber(const std::string& query) {
    EXPECT_EQ(Masked(query), rotv.server().Value(query, kSuperuser)) << query;
  }
};

// A table for each type, a column for each rule, a row for each value; later rows come through the stream.
TEST_F(MaskEdgesTest, ExtremeValuesOfEveryTypeAreMaskedIntoTheType) {
  Exec("CREATE EXTENSION citext");
  std::vector<std::string> later;
  int tables = 0;
  for (const MaskedType& type : MaskedTypes(50'000)) {
    for (const mask::MaskColumn& column : type.columns) {
      const std::string table = fmt::format("t{}", tables++);
      std::string columns = "id int PRIMARY KEY", same;
      for (size_t i = 0; i < type.rules.size(); ++i) {
        columns += fmt::format(", c{} {}", i, column.type);
        same += fmt::format(", x.v::{}", column.type);
        AddRule(fmt::format("public.{}.c{}", table, i), AsToml(type.rules[i]));
      }
      Exec(fmt::format("CREATE TABLE {} ({})", table, columns));
      for (size_t row = 0; row < type.values.size(); ++row) {
        const std::string insert = fmt::format("INSERT INTO {} SELECT {}{} FROM (VALUES ('{}'::text)) x (v)", table,
                                               row, same, type.values[row]);
        Exec(insert);
        later.push_back(fmt::format("INSERT INTO {0} SELECT {1}{2} FROM (VALUES ('{3}'::text)) x (v)", table,
                                    1000 + row, same, type.values[row]));
      }
    }
  }
  rotv.MustSync({"baseline"});
  for (const std::string& insert : later) Exec(insert);
  Import();
  for (int i = 0; i < tables; ++i) {
    ExpectSameNumber(fmt::format("SELECT count(*) FROM public.t{}", i));
    // A value is masked the same, whichever way it came.
    EXPECT_EQ(Masked(fmt::format("SELECT count(*) FROM public.t{0} a JOIN public.t{0} b ON a.id + 1000 = b.id "
                                 "WHERE a.c0::text <> b.c0::text",
                                 i)),
              "0");
  }
}

struct UniqueCase {
  std::string table;  // And its column c.
  std::string rule;
  std::string create;  // "{}" is replaced by the table.
};

// 26 letters and their 26 × 26 pairs, half of them capitals, unique ignoring case.
constexpr const char* kLetters =
    "INSERT INTO {0} (c) SELECT CASE WHEN i % 2 = 0 THEN upper(v) ELSE v END FROM (SELECT i, chr(97 + i / 26) || "
    "chr(97 + i % 26) AS v FROM generate_series(0, 675) i UNION ALL SELECT i, chr(97 + i) FROM generate_series(0, 25) "
    "i) x";

const std::vector<UniqueCase>& Kept() {
  static const std::vector<UniqueCase> kKept = {
      {"k_lower", "text", "CREATE TABLE {0} (c text NOT NULL); CREATE UNIQUE INDEX ON {0} (lower(c));"},
      {"k_upper", "phone", "CREATE TABLE {0} (c varchar(20)); CREATE UNIQUE INDEX ON {0} (upper(c));"},
      {"k_citext", "text", "CREATE TABLE {0} (id serial PRIMARY KEY, c citext UNIQUE);"},
      {"k_icu", "text", "CREATE TABLE {0} (c text COLLATE ignores_case UNIQUE);"},
      {"k_name", "last_name", "CREATE TABLE {0} (c citext UNIQUE);"},
      {"k_slug", "name",
       "CREATE TABLE {0} (id serial PRIMARY KEY, c text, slug text GENERATED ALWAYS AS "
       "(replace(lower(c), ' ', '-')) STORED UNIQUE);"},
      {"k_generated", "text",
       "CREATE TABLE {0} (c text, low text GENERATED ALWAYS AS (lower(c)) STORED); CREATE UNIQUE INDEX ON {0} (low);"},
      {"k_excluded", "text", "CREATE TABLE {0} (c text, EXCLUDE USING btree (lower(c) WITH =));"},
      {"k_hash", "hash", "CREATE TABLE {0} (c text); CREATE UNIQUE INDEX ON {0} (lower(btrim(c)));"},
      {"k_md5", "text", "CREATE TABLE {0} (c text); CREATE UNIQUE INDEX ON {0} (md5(c));"},
      {"k_partial", "first_name",
       "CREATE TABLE {0} (c text, gone date); CREATE UNIQUE INDEX ON {0} (lower(c)) WHERE c IS NOT NULL AND gone IS "
       "NULL;"},
      {"k_named", "email",
       "CREATE TABLE {0} (c text, \"Odd name\" text); CREATE UNIQUE INDEX ON {0} ((\"Odd name\" || lower(c)));"},
  };
  return kKept;
}

TEST_F(MaskEdgesTest, ValuesUniqueByMoreThanTheirBytesStayUnique) {
  Exec(
      "CREATE EXTENSION citext; CREATE COLLATION ignores_case (provider = icu, locale = 'und-u-ks-level2', "
      "deterministic = false)");
  for (const UniqueCase& test : Kept()) {
    Exec(fmt::format(fmt::runtime(test.create), test.table));
    Exec("ALTER TABLE " + test.table + " REPLICA IDENTITY FULL");
    Exec(fmt::format(fmt::runtime(kLetters), test.table));
    AddRule(fmt::format("public.{}.c", test.table), '"' + test.rule + '"');
  }
  Exec(
      "CREATE TABLE days (c timestamp); ALTER TABLE days REPLICA IDENTITY FULL;"
      "CREATE UNIQUE INDEX ON days (date_trunc('day', c));"
      "INSERT INTO days SELECT timestamp '2026-01-01 10:00' + i * interval '25 hours' FROM generate_series(1, 900) i");
  AddRule("public.days.c", "{ rule = \"date\", days = 365 }");
  // Numbers that are equal although they are written in two ways.
  Exec(
      "CREATE TABLE amounts (c numeric PRIMARY KEY);"
      "INSERT INTO amounts SELECT DISTINCT ON (v) v FROM (SELECT i / 10.0 FROM generate_series(0, 300) i UNION ALL "
      "SELECT i / 100.00 FROM generate_series(0, 3000) i) x (v)");
  AddRule("public.amounts.c", "{ rule = \"number\", by = 3 }");
  Import();
  for (const UniqueCase& test : Kept()) {
    EXPECT_EQ(Masked("SELECT count(DISTINCT c) FROM public." + test.table), "702") << test.table;
  }
  ExpectSameNumber("SELECT count(*) FROM public.days");
  ExpectSameNumber("SELECT count(*) FROM public.amounts");
}

TEST_F(MaskEdgesTest, ForeignKeysThatIgnoreCaseStayValid) {
  Exec(
      "CREATE EXTENSION citext; CREATE COLLATION ignores_case (provider = icu, locale = 'und-u-ks-level2', "
      "deterministic = false)");
  int tables = 0;
  for (const std::string type : {"citext", "text COLLATE ignores_case"}) {
    for (const std::string rule : {"text", "phone", "email", "name", "hash", "uuid"}) {
      const std::string p = fmt::format("p{}", tables), c = fmt::format("c{}", tables++);
      // The server itself says which letters it treats as equal.
      Exec(
          fmt::format("CREATE TABLE {0} (login {2} PRIMARY KEY); CREATE TABLE {1} (id serial PRIMARY KEY, who {2} "
                      "REFERENCES {0}); INSERT INTO {0} VALUES ('Anna'), ('bob'), ('Élise Łuñez Ωμέγα Жуков');"
                      "INSERT INTO {1} (who) SELECT v FROM (VALUES ('anna'), ('BOB'), ('Anna'), "
                      "('éLISE łUÑEZ ωμέγα жУКОВ')) x (v) WHERE EXISTS (SELECT FROM {0} WHERE login = v)",
                      p, c, type));
      AddRule(fmt::format("public.{}.login", p), '"' + rule + '"');
      AddRule(fmt::format("public.{}.who", c), '"' + rule + '"');
    }
  }
  // The referenced side is unique ignoring case; the key itself does not ignore it.
  Exec(
      "CREATE TABLE exact (code text PRIMARY KEY); CREATE UNIQUE INDEX ON exact (lower(code));"
      "CREATE TABLE refers (id serial PRIMARY KEY, code text REFERENCES exact); INSERT INTO exact VALUES ('Ab'), ('C');"
      "INSERT INTO refers (code) VALUES ('Ab'), ('C')");
  AddRule("public.exact.code", "\"text\"");
  AddRule("public.refers.code", "\"text\"");
  Import();
  for (int i = 0; i < tables; ++i) {
    ExpectSameNumber(fmt::format("SELECT count(*) FROM public.c{0} JOIN public.p{0} ON who = login", i));
  }
}

// The ends of a foreign key have another length, or another width.
TEST_F(MaskEdgesTest, ForeignKeysBetweenLengthsAndWidthsStayValid) {
  struct Ends {
    std::string from, to, rule, values;
  };
  const std::string words = "('Anna'), ('bob'), (''), ('O''Neill')",
                    wide = "(1), (-1), (2147483646), (2147483647), (-2147483648)";
  const std::string number = "{ rule = \"number\", by = 1000000000000 }";
  const std::vector<Ends> ends = {{"varchar(30)", "text", "\"email\"", words},
                                  {"text", "varchar(40)", "\"email\"", words},
                                  {"varchar(64)", "name", "\"text\"", words},
                                  {"char(20)", "char(20)", "\"text\"", words},
                                  {"bpchar", "bpchar", "\"hash\"", words},
                                  {"int4", "int8", number, wide},
                                  {"int8", "int4", number, wide},
                                  {"int2", "int8", number, "(1), (-1), (32767), (-32768)"},
                                  {"numeric", "numeric", number, "(1.0), (2), (-2.50)"}};
  for (size_t i = 0; i < ends.size(); ++i) {
    const Ends& one = ends[i];
    Exec(fmt::format(
        "CREATE TABLE p{0} (k {2} PRIMARY KEY); CREATE TABLE c{0} (id serial PRIMARY KEY, k {1} REFERENCES p{0});"
        "INSERT INTO p{0} VALUES {3}; INSERT INTO c{0} (k) SELECT k::text::{1} FROM p{0}",
        i, one.from, one.to, one.values));
    AddRule(fmt::format("public.p{}.k", i), one.rule);
    AddRule(fmt::format("public.c{}.k", i), one.rule);
  }
  // These are equal without being the same; others have no place in the narrower type.
  Exec(
      "INSERT INTO c4 (k) VALUES ('bob  '); INSERT INTO c8 (k) VALUES (1), (-2.5000); INSERT INTO p5 VALUES "
      "(2147483648), "
      "(9223372036854775807), (-2147483649); INSERT INTO p7 VALUES (32768)");
  Import();
  for (size_t i = 0; i < ends.size(); ++i) {
    ExpectSameNumber(fmt::format("SELECT count(*) FROM public.c{0} JOIN public.p{0} USING (k)", i));
  }
}

struct RefusedCase {
  std::string rule;
  std::string type;
  std::string create;  // The rest of CREATE TABLE, with the column c.
  std::string expected;
};

class MaskRefusalTest : public MaskEdgesTest {
 protected:
  MaskRefusalTest() {
    Exec(
        "CREATE COLLATION ignores_accents (provider = icu, locale = 'und-u-ks-level1', deterministic = false);"
        "CREATE COLLATION turkish (provider = icu, locale = 'tr-TR'); CREATE EXTENSION citext");
  }

  // An error names ten problems at most.
  void ExpectRefused(const std::vector<RefusedCase>& cases) {
    int tables = 0;
    for (const RefusedCase& test : cases) {
      const std::string table = fmt::format("r{}", tables++);
      Exec(fmt::format("CREATE TABLE {} (id serial PRIMARY KEY, n int, c {})", table, test.type));
      Exec(fmt::format(fmt::runtime(test.create), table));
      AddRule(fmt::format("public.{}.c", table),
              test.rule == "number" ? "{ rule = \"number\", by = 100 }" : '"' + test.rule + '"');
    }
    const Result result = rotv.Sync({"baseline"});
    EXPECT_EQ(result.exit_status, 2) << result.err;
    for (size_t i = 0; i < cases.size(); ++i) {
      EXPECT_THAT(result.err,
                  HasSubstr(fmt::format("public.r{}.c: values masked by \"{}\" need not be unique", i, cases[i].rule)));
      EXPECT_THAT(result.err, HasSubstr(cases[i].expected));
    }
    EXPECT_TRUE(rotv.LeftOnSource().empty());
  }
};

TEST_F(MaskRefusalTest, ARuleThatCannotKeepAColumnUniqueIsRefusedBeforeAnyWrite) {
  ExpectRefused({
      {"email", "text", "CREATE UNIQUE INDEX ON {0} (left(c, 1))", "\"left\"(c, 1)"},
      {"email", "text", "ALTER TABLE {0} ADD f char(1) GENERATED ALWAYS AS (left(c, 1)) STORED UNIQUE",
       "computed from it"},
      {"hash", "text", "CREATE UNIQUE INDEX ON {0} (split_part(c, '@', 2))", "split_part"},
      {"text", "text", "CREATE UNIQUE INDEX ON {0} (lower(btrim(c)))", "btrim"},
      {"hash", "text", "CREATE UNIQUE INDEX ON {0} (n) WHERE c = 'main'", "where (c = 'main'::text)"},
      {"number", "int", "CREATE UNIQUE INDEX ON {0} ((c % 10))", "% 10"},
      {"null", "text", "CREATE UNIQUE INDEX ON {0} (n, COALESCE(c, ''))", "COALESCE"},
      {"null", "date", "CREATE UNIQUE INDEX ON {0} (n) WHERE c IS NULL", "IS NULL"},
      {"ip", "inet", "ALTER TABLE {0} ADD EXCLUDE USING gist (c inet_ops WITH &&)", "with &&"},
      {"text", "text COLLATE ignores_accents", "CREATE UNIQUE INDEX ON {0} (c)", "unique index"},
  });
}

TEST_F(MaskRefusalTest, SoIsOneWhereMoreOrLessIsEqualThanItCanKnow) {
  ExecAsSuperuser(
      "CREATE FUNCTION same(text, text) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT lower($1) = lower($2)';"
      "CREATE FUNCTION order_of(text, text) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT bttextcmp(lower($1), "
      "lower($2))'; CREATE OPERATOR === (LEFTARG = text, RIGHTARG = text, FUNCTION = same); CREATE OPERATOR CLASS "
      "own_equality FOR TYPE text USING btree AS OPERATOR 3 ===, FUNCTION 1 order_of(text, text)");
  ExpectRefused({
      {"text", "text", "CREATE UNIQUE INDEX ON {0} (lower(c COLLATE turkish))", "turkish"},
      {"text", "text COLLATE turkish", "CREATE UNIQUE INDEX ON {0} (upper(c))", "upper(c)"},
      {"text", "text COLLATE turkish", "ALTER TABLE {0} ADD low text GENERATED ALWAYS AS (lower(c)) STORED UNIQUE",
       "computed from it"},
      {"text", "text", "CREATE UNIQUE INDEX ON {0} (c own_equality)", "unique index"},
      {"hash", "text", "CREATE UNIQUE INDEX ON {0} (btrim(c, n::text))", "btrim"},
      {"hash", "citext", "CREATE UNIQUE INDEX ON {0} ((c::text))", "\"text\" keeps values apart that differ in case"},
  });
}

// The alphabets are ours, because masked values in stores depend on them: the server must have the same cases.
TEST_F(MaskEdgesTest, EveryLetterOfOurAlphabetsHasTheServersCase) {
  std::string lower, upper;
  for (uint32_t code = 1; code < 0x11000; ++code) {
    std::optional<mask::CasedLetter> letter = mask::CasedLetterOf(code);
    if (!letter || letter->upper) continue;
    EXPECT_EQ(mask::CodeOf(*letter), code);
    lower += fmt::format("{}{}", lower.empty() ? "" : ",", code);
    letter->upper = true;
    upper += fmt::format("{}{}", upper.empty() ? "" : ",", mask::CodeOf(*letter));
    EXPECT_EQ(mask::CasedLetterOf(mask::CodeOf(*letter))->letter, letter->letter);
  }
  EXPECT_EQ(rotv.server().Value("SELECT string_agg(to_hex(l), ' ') FROM unnest(ARRAY[" + lower + "], ARRAY[" + upper +
                                    "]) x (l, u) WHERE lower(chr(u) COLLATE \"und-x-icu\") <> chr(l) OR "
                                    "upper(chr(l) COLLATE \"und-x-icu\") <> chr(u) HAVING count(*) > 0 "
                                    "UNION ALL SELECT 'none' LIMIT 1",
                                kSuperuser),
            "none");
}

// A later version may make other values by the same rule: those that are stored must not stay beside them.
TEST_F(MaskEdgesTest, AnotherRevisionOfARuleIsAResyncAlsoWithoutARuleInTheConfig) {
  AddRule("public.t.n", "{ rule = \"number\", by = 100 }");
  Exec("CREATE TABLE t (id int PRIMARY KEY, n numeric); INSERT INTO t SELECT i, i / 3.0 FROM generate_series(1, 50) i");
  rotv.MustSync({"baseline"});
  const auto age = [&] {
    const std::string directory = ReadCurrent(rotv.home(), "production").value().directory();
    const auto store = RowStore::Open(rotv.home() / "sources/production" / directory, RowStore::Mode::kReadWrite);
    const Lsn head = store->state().head_lsn();
    proto::SchemaVersion schema = store->SchemaAt(head);
    proto::MaskedColumn* column = schema.mutable_tables(0)->mutable_mask()->mutable_columns(0);
    ASSERT_EQ(column->revision(), 1u);
    column->set_revision(0);
    store->Publish(store->state(), {.schema = {{head, schema}}, .sequences = {}, .shapes = {}});
  };
  const auto expect_resync = [&] {
    const std::string pulled = rotv.MustSync({"pull"});
    EXPECT_THAT(pulled, HasSubstr("Resynced (50 rows): public.t."));
    EXPECT_THAT(rotv.MustSync({"pull"}), HasSubstr("is up to date"));
  };
  age();
  expect_resync();
  WriteFile(rotv.config(), std::regex_replace(ReadFile(rotv.config()), std::regex("\\[mask\\][^]*"), ""));
  rotv.MustSync({"pull"});
  age();
  expect_resync();
}

}  // namespace
}  // namespace rotv::testing
