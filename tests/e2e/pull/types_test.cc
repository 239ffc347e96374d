// Every type's text, through the baseline and through the stream, in a column, in a key and in a row without a key.

#include <gtest/gtest.h>

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
