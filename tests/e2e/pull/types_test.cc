// Every type's text, through the baseline and through the stream, in a column, in a key and in a row without a key.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "tests/e2e/types_fixture.h"

namespace rotv::testing {
namespace {

TEST_F(TypesTest, EveryValueIsFollowed) { EveryValueIsFollowed(); }

class HostileTypesTest : public TypesTest {
 protected:
  HostileTypesTest() : TypesTest({.settings = PostgresServer::HostileSettings()}) {}
};

TEST_F(HostileTypesTest, EveryValueIsFollowedUnderSettingsThatPrintItDifferently) { EveryValueIsFollowed(); }

class RoleSettingsTest : public FollowTest {};

TEST_F(RoleSettingsTest, SettingsOfTheRoleAndTheDatabaseHaveNoEffect) {
  ExecAsSuperuser(
      "ALTER ROLE rotv SET datestyle = 'German'; ALTER ROLE rotv SET bytea_output = 'escape';"
      "ALTER ROLE rotv IN DATABASE rotv SET intervalstyle = 'iso_8601';"
      "ALTER DATABASE rotv SET extra_float_digits = -5; ALTER ROLE rotv SET timezone = 'Asia/Kathmandu';"
      "ALTER ROLE rotv SET client_encoding = 'LATIN1'; ALTER ROLE rotv SET search_path = nowhere;"
      "ALTER ROLE rotv SET default_transaction_isolation = 'serializable';"
      "ALTER ROLE rotv SET statement_timeout = '5min'; ALTER ROLE rotv SET xmlbinary = 'hex'");
  const std::string row =
      "timestamptz '2020-06-11 10:09:08.5+00', interval '1 mon 2 days 03:00', 0.1::float8, "
      "bytea '\\x00ff5c', 'Grüße €', xml '<a/>'";
  Exec(
      "CREATE TABLE t (id int PRIMARY KEY, z timestamptz, i interval, f float8, b bytea, w text, x xml);"
      "INSERT INTO t SELECT 1, " +
      row);
  BaselineIsDump({.import = Import::kNone});
  Exec("INSERT INTO t SELECT 2, " + row + "; UPDATE t SET w = 'Ünï' WHERE id = 1");
  PullIsDump();
}

// The text of money depends on lc_monetary, which pg_dump does not pin: a table may not mix two formats.
class MoneyTest : public ::testing::Test {
 protected:
  MoneyTest() {
    MustRun({.argv = {"localedef", "-i", "de_DE", "-f", "UTF-8", locales_ / "de_DE.UTF-8"}});
    rotv_.emplace(FollowOptions({.environment = {{"LOCPATH", locales_.path().string()}}}));
  }
  void Exec(const std::string& statements) { rotv_->server().Exec("SET search_path = public;" + statements); }
  void PullIsDump() {
    rotv_->MustSync({"pull"});
    rotv_->ExpectSeedIsDump({.import = Import::kNone});
  }

  TempDir locales_;
  std::optional<RotvHome> rotv_;
};

TEST_F(MoneyTest, AChangeOfItsFormatIsFollowed) {
  Exec(
      "CREATE DOMAIN price AS money; CREATE TYPE offer AS (what text, amount price);"
      "CREATE TABLE m (id int PRIMARY KEY, v money); CREATE TABLE bag (v money); ALTER TABLE bag REPLICA IDENTITY FULL;"
      "CREATE TABLE nested (id int PRIMARY KEY, v offer[]); CREATE UNLOGGED TABLE copied (v price);"
      "CREATE TABLE other (id int PRIMARY KEY, v numeric);"
      "INSERT INTO m SELECT n, n * 1.25 FROM generate_series(1, 10) n; INSERT INTO bag SELECT v FROM m;"
      "INSERT INTO nested SELECT id, ARRAY[ROW('a', v)::offer] FROM m; INSERT INTO copied SELECT v FROM m;"
      "INSERT INTO other SELECT id, id FROM m");
  rotv_->MustSync({"baseline"});
  rotv_->ExpectSeedIsDump({.import = Import::kNone});
  const std::string database = "ALTER DATABASE rotv ";
  for (const char* setting : {"SET lc_monetary = 'de_DE.UTF-8'", "SET lc_monetary = 'C'", "RESET lc_monetary"}) {
    SCOPED_TRACE(setting);
    rotv_->server().Exec(database + setting, kSuperuser);
    Exec(
        "INSERT INTO m SELECT max(id) + 1, 1234.56 FROM m; INSERT INTO bag VALUES (1234.56::numeric::money);"
        "UPDATE nested SET v = v || v WHERE id = 3; INSERT INTO copied VALUES (9.5::numeric::money)");
    PullIsDump();
    // A change of the setting alone is one, too.
    rotv_->server().Exec(database + "SET lc_monetary = 'de_DE.UTF-8'", kSuperuser);
    PullIsDump();
    EXPECT_THAT(ReadFile(rotv_->Seed()), ::testing::HasSubstr("1.234,56"));
    // Tables without money are not resynced.
    rotv_->server().Exec(database + setting, kSuperuser);
    EXPECT_THAT(rotv_->MustSync({"pull"}), ::testing::Not(::testing::HasSubstr("public.other")));
  }
}

// A database's own encoding is kept, whatever its bytes mean.
class SqlAsciiTest : public FollowTest {
 protected:
  SqlAsciiTest() : FollowTest(FollowOptions({.initdb_arguments = {"--encoding=SQL_ASCII", "--locale=C"}})) {}
};

TEST_F(SqlAsciiTest, BytesOfNoEncodingAreFollowed) {
  Exec(
      "CREATE TABLE \"t\xff\" (k text PRIMARY KEY, v text);"
      "INSERT INTO \"t\xff\" VALUES ('\xfe\x80', '\xc3'), ('Gr\xc3\xbc\xc3\x9f', '\xe9')");
  BaselineIsDump();
  Exec("INSERT INTO \"t\xff\" VALUES ('\x80', '\xff\xff'); UPDATE \"t\xff\" SET v = '\xf0' WHERE k = '\xfe\x80'");
  PullIsDump({.import = Import::kEmpty});
}

class Latin1Test : public FollowTest {
 protected:
  Latin1Test() : FollowTest(FollowOptions({.initdb_arguments = {"--encoding=LATIN1", "--locale=C"}})) {}
};

TEST_F(Latin1Test, AnotherEncodingIsFollowed) {
  Exec("SET client_encoding = 'UTF8'");
  Exec(
      "CREATE TABLE größe (k text PRIMARY KEY, v text);"
      "INSERT INTO größe VALUES ('ä', 'é')");
  BaselineIsDump();
  Exec("INSERT INTO größe VALUES ('ö', E'\\\\\\t÷'); UPDATE größe SET v = 'ÿ' WHERE k = 'ä'");
  PullIsDump({.import = Import::kEmpty});
}

}  // namespace
}  // namespace rotv::testing
