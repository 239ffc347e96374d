// Every type's text, through the baseline and through the stream, in a column, in a key and in a row without a key.

#include <gtest/gtest.h>

#include "fmt/format.h"
#include "tests/e2e/follow_fixture.h"
#include "tests/e2e/type_samples.h"

namespace rotv::testing {
namespace {

// For each type: a table with it in a column, one in its primary key, one without a key.
class TypesTest : public FollowTest {
 protected:
  explicit TypesTest(const PostgresOptions& postgres = {}) : FollowTest(FollowOptions(postgres)) {}

  void MakeTables() {
    std::string statements = kTypeSamplesSetup;
    for (size_t i = 0; i < samples_.size(); ++i) {
      const std::string& type = samples_[i].type;
      statements += fmt::format("CREATE TABLE column_{0} (id int PRIMARY KEY, v {1}, other int);", i, type);
      statements += fmt::format("CREATE TABLE bag_{0} (v {1}, other int);", i, type);
      statements += fmt::format("ALTER TABLE bag_{} REPLICA IDENTITY FULL;", i);
      if (samples_[i].order == Order::kNotSortable) continue;
      statements += fmt::format("CREATE TABLE key_{0} (other int, v {1} PRIMARY KEY);", i, type);
    }
    Exec(statements);
  }

  // A NULL and every value, with ids from `first_id` on.
  void InsertValues(int first_id) {
    std::string statements = "BEGIN;";
    for (size_t i = 0; i < samples_.size(); ++i) {
      int id = first_id;
      statements +=
          fmt::format("INSERT INTO column_{0} VALUES ({1}, NULL, 0); INSERT INTO bag_{0} VALUES (NULL, 0);", i, id++);
      for (const std::string& value : samples_[i].values) {
        statements += fmt::format("INSERT INTO column_{0} VALUES ({1}, {2}, 0); INSERT INTO bag_{0} VALUES ({2}, 0);",
                                  i, id++, value);
      }
    }
    Exec(statements + "COMMIT");
  }

  void InsertKeys() {
    std::string statements = "BEGIN;";
    for (size_t i = 0; i < samples_.size(); ++i) {
      if (samples_[i].order == Order::kNotSortable) continue;
      for (const std::string& value : samples_[i].values) {
        statements += fmt::format("INSERT INTO key_{} VALUES (0, {});", i, value);
      }
    }
    Exec(statements + "COMMIT");
  }

  void ForEachKeyTable(const std::string& statement) {
    std::string statements = "BEGIN;";
    for (size_t i = 0; i < samples_.size(); ++i) {
      if (samples_[i].order == Order::kSortable) statements += fmt::format(fmt::runtime(statement), i) + ";";
    }
    Exec(statements + "COMMIT");
  }
  void ForEachOtherTable(const std::string& statement) {
    std::string statements = "BEGIN;";
    for (size_t i = 0; i < samples_.size(); ++i) statements += fmt::format(fmt::runtime(statement), i) + ";";
    Exec(statements + "COMMIT");
  }

  void EveryValueIsFollowed() {
    MakeTables();
    InsertValues(1);
    InsertKeys();
    BaselineIsDump();

    InsertValues(1001);
    ForEachKeyTable("UPDATE key_{} SET other = 1");
    PullIsDump();

    // Each row gets another row's value; NULLs too.
    ForEachOtherTable("UPDATE column_{0} a SET v = (SELECT v FROM column_{0} b WHERE b.id = a.id - 1000)");
    ForEachOtherTable("UPDATE column_{0} a SET v = (SELECT v FROM column_{0} b WHERE b.id = a.id + 1) WHERE id < 1000");
    ForEachOtherTable("UPDATE bag_{} SET other = 1 WHERE v IS NULL");
    ForEachKeyTable("DELETE FROM key_{}");
    PullIsDump();

    InsertKeys();
    ForEachOtherTable("DELETE FROM column_{} WHERE id % 2 = 0");
    ForEachOtherTable("DELETE FROM bag_{0} WHERE ctid IN (SELECT min(ctid) FROM bag_{0} GROUP BY v::text)");
    PullIsDump({.import = Import::kEmptyAndOverOlder});
  }

 private:
  const std::vector<TypeSample> samples_ = TypeSamples();
};

TEST_F(TypesTest, EveryValueIsFollowed) { EveryValueIsFollowed(); }

class HostileTypesTest : public TypesTest {
 protected:
  HostileTypesTest() : TypesTest({.settings = PostgresServer::HostileSettings()}) {}
};

TEST_F(HostileTypesTest, EveryValueIsFollowedUnderSettingsThatPrintItDifferently) { EveryValueIsFollowed(); }

class RoleSettingsTest : public FollowTest {};

TEST_F(RoleSettingsTest, SettingsOfTheRoleAndTheDatabaseDoNotCount) {
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
