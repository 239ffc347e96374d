// CHECK constraints, domains and generated columns of the source: masked values satisfy them, or the rule is refused
// before anything is stored, or doctor reports that they are unchecked.

#include <gmock/gmock.h>

#include <filesystem>

#include "tests/e2e/follow_fixture.h"

namespace rotv::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

enum class Verdict { kImports, kFits, kRefused, kUnchecked };

struct Case {
  std::string name;
  std::string ddl;  // Creates the table p (id, email, …), with rows.
  Verdict verdict = Verdict::kImports;
  std::string expected = {};  // A part of doctor's output, unless it is kImports.
  std::string rule = R"("email")";
};

const std::vector<Case> kCases = {
    {"a CHECK that is NOT VALID holds back no row of a seed",
     "CREATE TABLE p (id int PRIMARY KEY, email text); INSERT INTO p VALUES (1, 'x@y.z'); ALTER TABLE p ADD CONSTRAINT "
     "only_a CHECK (email LIKE 'A%') NOT VALID"},
    {"and one that is valid does",
     "CREATE TABLE p (id int PRIMARY KEY, email text CONSTRAINT only_a CHECK (email LIKE 'A%')); INSERT INTO p VALUES "
     "(1, 'A@y.z')",
     Verdict::kRefused, "public.p.email: a value masked by \"email\" does not meet the constraint only_a"},
    {"a generated column is that of the masked value",
     "CREATE TABLE p (id int PRIMARY KEY, email text, low text GENERATED ALWAYS AS (lower(email)) STORED, CHECK (low = "
     "lower(email))); INSERT INTO p (id, email) VALUES (1, 'x@y.z')"},
    {"a CHECK of a generated column alone",
     "CREATE TABLE p (id int PRIMARY KEY, email text, g int GENERATED ALWAYS AS (length(email)) STORED, CONSTRAINT "
     "short CHECK (g < 20)); INSERT INTO p (id, email) VALUES (1, 'x@y.z')",
     Verdict::kRefused, "public.p.email: a value masked by \"email\" does not meet the constraint short"},
    {"a generated column that must not be NULL",
     "CREATE TABLE p (id int PRIMARY KEY, email text, dom text NOT NULL GENERATED ALWAYS AS (nullif(split_part(email, "
     "'@', 2), '')) STORED); INSERT INTO p (id, email) VALUES (1, 'x@y.z')",
     Verdict::kRefused,
     "public.p.email: a value masked by \"null\" leaves public.p.dom NULL, which is generated from it and NOT NULL",
     R"("null")"},
    {"a generated column that is never NULL",
     "CREATE TABLE p (id int PRIMARY KEY, email text, dom text NOT NULL GENERATED ALWAYS AS (split_part(email, '@', "
     "2)) "
     "STORED); INSERT INTO p (id, email) VALUES (1, 'x@y.z')"},
    {"a generated column that is too long",
     "CREATE TABLE p (id int PRIMARY KEY, email text, few varchar(5) GENERATED ALWAYS AS (email) STORED); INSERT INTO "
     "p "
     "(id, email) VALUES (1, 'x@y.z')",
     Verdict::kRefused, "public.p.email: a value masked by \"email\" cannot be used to generate public.p.few"},
    {"a generated column that is a number",
     "CREATE TABLE p (id int PRIMARY KEY, email text, n int GENERATED ALWAYS AS (email::int) STORED); INSERT INTO p "
     "(id, "
     "email) VALUES (1, '17')",
     Verdict::kRefused, "public.p.email: a value masked by \"email\" cannot be used to generate public.p.n"},
    {"the same by a rule that keeps digits digits",
     "CREATE TABLE p (id int PRIMARY KEY, email text, n int GENERATED ALWAYS AS (email::int) STORED); INSERT INTO p "
     "(id, "
     "email) VALUES (1, '17')",
     Verdict::kImports, "", R"("text")"},
    {"a generated column of a domain",
     "CREATE DOMAIN few AS text CHECK (length(VALUE) < 6); CREATE TABLE p (id int PRIMARY KEY, email text, f few "
     "GENERATED ALWAYS AS (email) STORED); INSERT INTO p (id, email) VALUES (1, 'x@y.z')",
     Verdict::kUnchecked, "public.p.f: domain public.few, public.p.f: its generation"},
    {"a domain over a domain",
     "CREATE DOMAIN word AS text CHECK (VALUE <> ''); CREATE DOMAIN few AS word CHECK (length(VALUE) < 6); CREATE "
     "TABLE "
     "p (id int PRIMARY KEY, email few); INSERT INTO p VALUES (1, 'x@y.z')",
     Verdict::kRefused, "public.p.email: a value masked by \"email\" is not a value of the domain public.few"},
    {"a domain that is NOT VALID",
     "CREATE DOMAIN few AS text; CREATE TABLE p (id int PRIMARY KEY, email few); INSERT INTO p VALUES (1, 'x@y.z'); "
     "ALTER DOMAIN few ADD CONSTRAINT short CHECK (length(VALUE) < 6) NOT VALID",
     Verdict::kFits, "1 rules, 1 columns\n"},  // pg_dump --clean writes no drop for it that an empty database accepts.
    {"points in time",
     "CREATE TABLE p (id int PRIMARY KEY, email text, at timestamptz, CHECK (at < now() AND at > '1900-01-01'::date "
     "AND "
     "email <> to_char(at, 'YYYY'))); INSERT INTO p VALUES (1, 'x@y.z', '2020-01-01')"},
    {"a function of the source's own",
     "CREATE FUNCTION fine(text) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT true'; CREATE TABLE p (id int "
     "PRIMARY "
     "KEY, email text CONSTRAINT is_fine CHECK (fine(email))); INSERT INTO p VALUES (1, 'x@y.z')",
     Verdict::kUnchecked, "1 constraint on masked values is not checked: public.p: is_fine"},
    {"an operator, a collation, a type",
     "CREATE FUNCTION same(text, text) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT true'; CREATE OPERATOR === "
     "(LEFTARG = text, RIGHTARG = text, FUNCTION = same); CREATE COLLATION mine (LOCALE = 'C'); CREATE TYPE mood AS "
     "ENUM "
     "('a'); CREATE TABLE p (id int PRIMARY KEY, email text, mood mood, CHECK (email === 'x'), CHECK (email COLLATE "
     "mine "
     "< 'z'), CHECK (email <> mood::text)); INSERT INTO p VALUES (1, 'x@y.z', 'a')",
     Verdict::kUnchecked, "3 constraints on masked values are not checked"},
    {"functions that run SQL, or have effects",
     "CREATE TABLE p (id int PRIMARY KEY, email text, CHECK (email <> '' OR query_to_xml('SELECT 1', true, true, '') "
     "IS "
     "NULL), CHECK (email <> '' OR table_to_xml('p', true, true, '') IS NULL), CHECK (email <> '' OR "
     "lo_creat(-1) > 0), CHECK (email <> '' OR nextval('pg_class'::regclass) > 0), CHECK (email "
     "<> '' OR pg_terminate_backend(1))); INSERT INTO p VALUES (1, 'x@y.z')",
     Verdict::kUnchecked, "5 constraints on masked values are not checked"},
    {"an expression that never ends",
     "CREATE TABLE p (id int PRIMARY KEY, email text CHECK (length(email) < 6 OR factorial(32000 + length(email)) > 0 "
     "AND factorial(32001 + length(email)) > 0 AND factorial(32002 + length(email)) > 0 AND factorial(32003 + "
     "length(email)) > 0 AND factorial(32004 + length(email)) > 0 AND factorial(32005 + length(email)) > 0 AND "
     "factorial(32006 + length(email)) > 0 AND factorial(32007 + length(email)) > 0 AND factorial(32008 + "
     "length(email)) > 0 AND factorial(32009 + length(email)) > 0 AND factorial(32010 + length(email)) > 0 AND "
     "factorial(32011 + length(email)) > 0 AND factorial(32012 + length(email)) > 0 AND factorial(32013 + "
     "length(email)) > 0 AND factorial(32014 + length(email)) > 0 AND factorial(32015 + length(email)) > 0)); INSERT "
     "INTO p VALUES (1, 'x@y.z')",
     Verdict::kUnchecked, "1 constraint on masked values is not checked"},
    {"a constant that is a label of an enum",
     "CREATE TYPE mood AS ENUM ('glad', 'sad'); CREATE TABLE p (id int PRIMARY KEY, email mood); INSERT INTO p VALUES "
     "(1, "
     "'sad')",
     Verdict::kImports, "", R"({ rule = "constant", value = "glad" })"},
    {"a constant that is too long",
     "CREATE TABLE p (id int PRIMARY KEY, email varchar(5)); INSERT INTO p VALUES (1, 'x@y.z')", Verdict::kRefused,
     "is not a value of type varchar", R"({ rule = "constant", value = "longer" })"},
    {"a constant that is none",
     "CREATE TYPE mood AS ENUM ('glad', 'sad'); CREATE TABLE p (id int PRIMARY KEY, email mood); INSERT INTO p VALUES "
     "(1, "
     "'sad')",
     Verdict::kRefused, "is not a value of type mood", R"({ rule = "constant", value = "mad" })"},
    {"an index on an expression that masked values do not fit",
     "CREATE TABLE p (id int PRIMARY KEY, email text); CREATE INDEX p_number ON p ((email::int)); INSERT INTO p VALUES "
     "(1, '17')",
     Verdict::kRefused, "public.p.email: a value masked by \"email\" cannot be in the index p_number"},
    {"an index that leaves out masked values",
     "CREATE TABLE p (id int PRIMARY KEY, email text); CREATE INDEX ON p ((email::int)) WHERE email ~ '^[0-9]+$'; "
     "INSERT INTO p VALUES (1, '17')"},
    {"a CHECK of the row as a whole",
     "CREATE TABLE p (id int PRIMARY KEY, email text, CONSTRAINT full_row CHECK (p IS NOT NULL)); INSERT INTO p VALUES "
     "(1, 'x@y.z')",
     Verdict::kUnchecked, "1 constraint on masked values is not checked: public.p: full_row", R"("null")"},
    {"a constraint that one value in sixteen does not meet",
     "CREATE TABLE p (id int PRIMARY KEY, email text CONSTRAINT no_zero CHECK (email !~ '^0')); INSERT INTO p "
     "VALUES "
     "(1, 'x@y.z')",
     Verdict::kRefused, "does not meet the constraint no_zero", R"("hash")"},
    {"a foreign key that is NOT VALID",
     "CREATE TABLE q (email text PRIMARY KEY); CREATE TABLE p (id int PRIMARY KEY, email text); INSERT INTO p VALUES "
     "(1, "
     "'x@y.z'); ALTER TABLE p ADD FOREIGN KEY (email) REFERENCES q NOT VALID"},
    {"a foreign key whose other side has no rule",
     "CREATE TABLE q (email text PRIMARY KEY); INSERT INTO q VALUES ('x@y.z'); CREATE TABLE p (id int PRIMARY KEY, "
     "email "
     "text REFERENCES q); INSERT INTO p VALUES (1, 'x@y.z')",
     Verdict::kRefused, "public.p.email references public.q.email: both need the same rule (or \"null\""},
    {"a reference that becomes NULL",
     "CREATE TABLE q (email text PRIMARY KEY); INSERT INTO q VALUES ('x@y.z'); CREATE TABLE p (id int PRIMARY KEY, "
     "email "
     "text REFERENCES q); INSERT INTO p VALUES (1, 'x@y.z')",
     Verdict::kImports, "", R"("null")"},
    {"a part of a reference that becomes NULL",
     "CREATE TABLE q (n int, email text, UNIQUE (n, email)); INSERT INTO q VALUES (1, 'x@y.z'); CREATE TABLE p (id int "
     "PRIMARY KEY, email text, FOREIGN KEY (id, email) REFERENCES q (n, email) MATCH FULL); INSERT INTO p VALUES (1, "
     "'x@y.z')",
     Verdict::kRefused, "which is MATCH FULL", R"("null")"},
    {"a reference that is generated from a masked column",
     "CREATE TABLE q (email text PRIMARY KEY); INSERT INTO q VALUES ('x@y.z'); CREATE TABLE p (id int PRIMARY KEY, "
     "email "
     "text, low text GENERATED ALWAYS AS (lower(email)) STORED REFERENCES q); INSERT INTO p VALUES (1, 'x@y.z')",
     Verdict::kRefused, "public.p.low is computed from public.p.email, which is masked"},
    {"a unique index on a materialized view",
     "CREATE TABLE p (id int PRIMARY KEY, email text); INSERT INTO p VALUES (1, 'x@y.z'); CREATE MATERIALIZED VIEW v "
     "AS "
     "SELECT id AS n, email AS mail FROM p; CREATE UNIQUE INDEX v_mail ON v (mail)",
     Verdict::kRefused, "would not keep the column unique, as the unique index v_mail of the materialized view v wants",
     R"({ rule = "constant", value = "one for all" })"},
    {"a materialized view of groups",
     "CREATE TABLE p (id int PRIMARY KEY, email text); INSERT INTO p VALUES (1, 'x@y.z'); CREATE MATERIALIZED VIEW v "
     "AS "
     "SELECT email, count(*) AS n FROM p GROUP BY email; CREATE UNIQUE INDEX ON v (email)",
     Verdict::kImports, "", R"({ rule = "constant", value = "one for all" })"},
    {"a column that a unique index includes",
     "CREATE TABLE p (id int PRIMARY KEY, email text); CREATE UNIQUE INDEX ON p (id) INCLUDE (email); INSERT INTO p "
     "VALUES (1, 'x@y.z')",
     Verdict::kImports, "", R"({ rule = "constant", value = "one for all" })"},
};

// Cases that exist since version 18.
const std::vector<Case> kNewCases = {
    {"a CHECK that is NOT ENFORCED",
     "CREATE TABLE p (id int PRIMARY KEY, email text CONSTRAINT only_a CHECK (email LIKE 'A%') NOT ENFORCED); INSERT "
     "INTO p VALUES (1, 'x@y.z')"},
    {"a virtual column is made when it is read",
     "CREATE TABLE p (id int PRIMARY KEY, email text, n int GENERATED ALWAYS AS (email::int) VIRTUAL); INSERT INTO p "
     "(id, email) VALUES (1, '17')"},
    {"but a CHECK of it is not",
     "CREATE TABLE p (id int PRIMARY KEY, email text, g int GENERATED ALWAYS AS (length(email)) VIRTUAL, CONSTRAINT "
     "short CHECK (g < 20)); INSERT INTO p (id, email) VALUES (1, 'x@y.z')",
     Verdict::kRefused, "public.p.email: a value masked by \"email\" does not meet the constraint short"},
    {"a foreign key that is NOT ENFORCED",
     "CREATE TABLE q (email text PRIMARY KEY); CREATE TABLE p (id int PRIMARY KEY, email text REFERENCES q NOT "
     "ENFORCED); "
     "INSERT INTO p VALUES (1, 'x@y.z')"},
    {"a NOT NULL of the column itself that is NOT VALID",
     "CREATE TABLE p (id int PRIMARY KEY, email text); INSERT INTO p VALUES (1, 'x@y.z'); ALTER TABLE p ADD CONSTRAINT "
     "there NOT NULL email NOT VALID",
     Verdict::kImports, "", R"("null")"},
    {"a NOT NULL that is NOT VALID",
     "CREATE TABLE p (id int PRIMARY KEY, email text, dom text GENERATED ALWAYS AS (nullif(email, email)) STORED); "
     "INSERT INTO p (id, email) VALUES (1, 'x@y.z'); ALTER TABLE p ADD CONSTRAINT there NOT NULL dom NOT VALID"},
};

class MaskConstraints : public ::testing::Test {
 protected:
  static void Try(const std::vector<Case>& cases, int version) {
    RotvHomeOptions options = FollowOptions({.version = version});
    options.way = Way::kDirect;
    RotvHome rotv(std::move(options));
    for (const Case& one : cases) {
      SCOPED_TRACE(one.name);
      // Each case is a source of its own: masks of the previous one do not apply to it.
      rotv.Sync({"detach"});
      std::filesystem::remove_all(rotv.home());
      rotv.server().Exec("DROP SCHEMA public CASCADE; CREATE SCHEMA public; " + one.ddl);
      const std::string url = "postgresql://rotv@127.0.0.1:" + std::to_string(rotv.server().port()) + "/rotv";
      WriteFile(rotv.config(), "[sources.production]\nurl = \"" + url +
                                   "\"\n[mask]\nmask_unknown = \"keep\"\n\"public.p.email\" = " + one.rule + "\n");
      const Result doctor = rotv.Sync({"doctor"});
      EXPECT_EQ(doctor.exit_status, one.verdict == Verdict::kRefused ? 2 : 0) << doctor.out;
      if (one.verdict == Verdict::kImports) {
        EXPECT_THAT(doctor.out, Not(HasSubstr("not checked")));
        ExpectSeedImports(rotv);
      } else {
        EXPECT_THAT(doctor.out, HasSubstr(one.expected));
        if (one.verdict != Verdict::kFits) {
          EXPECT_THAT(rotv.Sync({"baseline", "--force"}).err, HasSubstr(one.expected));
        }
      }
    }
  }

  static void ExpectSeedImports(RotvHome& rotv) {
    rotv.MustSync({"baseline", "--force"});
    rotv.server().CreateDatabase("seeded");
    const Result psql = rotv.server().Psql(rotv.Seed(), {"seeded", "postgres"});
    EXPECT_TRUE(psql.ok()) << psql.err;
    EXPECT_EQ(rotv.server().Value("SELECT count(*) FROM p", {"seeded", "postgres"}), "1");
    rotv.server().DropDatabase("seeded");
  }
};

// Labels: slow
TEST_F(MaskConstraints, AreSatisfiedOrRefusedOrReported) { Try(kCases, kOwnVersion); }
TEST_F(MaskConstraints, AreHandledForNewerServersToo) { Try(kNewCases, 18); }

// What comes after the baseline is no less in the way of an import.
TEST(MaskLaterConstraintsTest, StopThePullBeforeAnyWrite) {
  RotvHomeOptions options = FollowOptions();
  options.way = Way::kDirect;
  options.more_config = "[mask]\nmask_unknown = \"keep\"\n\"public.p.email\" = \"email\"\n";
  RotvHome rotv(std::move(options));
  rotv.server().Exec("CREATE TABLE p (id int PRIMARY KEY, email text); INSERT INTO p VALUES (1, '17')");
  rotv.MustSync({"baseline"});
  const std::pair<const char*, const char*> later[] = {
      {"ALTER TABLE p ADD CONSTRAINT short CHECK (length(email) < 9)", "does not meet the constraint short"},
      {"CREATE INDEX p_number ON p ((email::int))", "cannot be in the index p_number"},
      {"ALTER TABLE p ADD few varchar(3) GENERATED ALWAYS AS (email) STORED",
       "cannot be used to generate public.p.few"},
      {"CREATE UNIQUE INDEX p_first ON p (left(email, 1))", "need not be unique for the unique index p_first"},
      {"CREATE TABLE c (id int PRIMARY KEY, email text REFERENCES p (email))", "both need the same rule"}};
  rotv.server().Exec("ALTER TABLE p ADD UNIQUE (email)");
  rotv.MustSync({"pull"});
  for (const auto& [statement, expected] : later) {
    SCOPED_TRACE(statement);
    rotv.server().Exec(statement);
    EXPECT_THAT(rotv.Sync({"mask", "check"}).err,
                AllOf(HasSubstr("the next pull will be refused"), HasSubstr(expected)));
    const Result pulled = rotv.Sync({"pull"});
    EXPECT_EQ(pulled.exit_status, 2) << pulled.out << pulled.err;
    EXPECT_THAT(pulled.err, HasSubstr(expected));
    rotv.server().Exec(
        "ALTER TABLE p DROP CONSTRAINT IF EXISTS short; DROP INDEX IF EXISTS p_number, p_first; ALTER TABLE p DROP IF "
        "EXISTS few; DROP TABLE IF EXISTS c");
    rotv.MustSync({"pull"});
  }
}

}  // namespace
}  // namespace rotv::testing
