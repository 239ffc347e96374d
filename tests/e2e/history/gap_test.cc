// Moments between two pulls of which the second had to copy tables: which tables, what helps, and what can be had
// anyway.

#include <gmock/gmock.h>

#include <string>

#include "tests/e2e/history/history_fixture.h"

namespace rotv::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class GapTest : public HistoryTest {
 protected:
  GapTest() {
    Exec("CREATE TABLE notes (v text); INSERT INTO notes VALUES ('first'); CREATE UNLOGGED TABLE fast (id int)");
  }

  std::string Refusal(const std::vector<std::string>& which) const {
    std::vector<std::string> arguments = {"materialize", "--output", "-"};
    arguments.insert(arguments.end(), which.begin(), which.end());
    const Result result = rotv.Sync(arguments);
    EXPECT_EQ(result.exit_status, 2) << result.err;
    return result.err;
  }
};

TEST_F(GapTest, TheErrorNamesTheTablesAndTheStatementThatEndsIt) {
  rotv.MustSync({"baseline"});
  Exec("UPDATE t SET v = 'between' WHERE id = 1");
  const Moment between = Now();
  Exec("INSERT INTO notes VALUES ('second'); INSERT INTO fast VALUES (1)");
  rotv.MustSync({"pull"});
  EXPECT_THAT(Refusal({"--at", between.lsn}),
              AllOf(HasSubstr("public.notes (no primary key, or a deferrable one)"),
                    HasSubstr("public.fast (unlogged: its changes are not in the WAL)"),
                    HasSubstr("ALTER TABLE public.notes REPLICA IDENTITY FULL"),
                    HasSubstr("ALTER TABLE public.fast SET LOGGED"), HasSubstr("--older-tables")));
  const Result doctor = rotv.Sync({"doctor"});
  EXPECT_THAT(doctor.out, AllOf(HasSubstr("public.notes"), HasSubstr("ALTER TABLE public.notes REPLICA IDENTITY FULL"),
                                HasSubstr("no moment between that pull and the one before can be had")));

  // What the error says helps.
  Exec("ALTER TABLE public.notes REPLICA IDENTITY FULL; ALTER TABLE public.fast SET LOGGED, REPLICA IDENTITY FULL");
  rotv.MustSync({"pull"});
  Exec("UPDATE t SET v = 'later' WHERE id = 1");
  const Moment later = Now();
  Exec("INSERT INTO notes VALUES ('third'); INSERT INTO fast VALUES (2)");
  rotv.MustSync({"pull"});
  ExpectDump(later, {"--at", later.lsn});
}

TEST_F(GapTest, StreamedTablesHaveTheirStateAndTheOthersThatOfThePullBefore) {
  rotv.MustSync({"baseline"});
  Exec("UPDATE t SET v = 'first' WHERE id = 1");
  const Moment first = Now();
  Exec("INSERT INTO notes VALUES ('second')");
  Exec("UPDATE t SET v = 'last' WHERE id = 1");
  const Moment last = Now();
  Exec("UPDATE t SET v = 'head' WHERE id = 1");
  rotv.MustSync({"pull"});
  ExpectDump(first, {"--older-tables", "--at", first.lsn});
  const std::filesystem::path file = rotv.directory() / "older.sql";
  const Result written =
      rotv.Sync({"--json", "materialize", "--older-tables", "--at", last.lsn, "--restrict", "never", "--output", file});
  EXPECT_EQ(nlohmann::json::parse(written.out).at("older_tables"), nlohmann::json::array({"public.notes"}));
  EXPECT_THAT(written.err, HasSubstr("since they are not streamed: public.notes"));
  EXPECT_THAT(ReadFile(file), AllOf(HasSubstr("\tlast\t"), Not(HasSubstr("second"))));
  ExpectDump({Head(), rotv.server().Dump()}, {"--snapshot", "head"});
  EXPECT_THAT(Refusal({"--older-tables", "--at", "0/1"}), HasSubstr("outside of the stored history"));
}

TEST_F(GapTest, WhatAForeignKeyJoinsIsNotOffered) {
  Exec("CREATE TABLE joined (t int REFERENCES t)");
  rotv.MustSync({"baseline"});
  Exec("UPDATE t SET v = 'first' WHERE id = 1");
  const Moment first = Now();
  Exec("INSERT INTO joined VALUES (1)");
  rotv.MustSync({"pull"});
  EXPECT_THAT(Refusal({"--at", first.lsn}), AllOf(HasSubstr("public.joined"), Not(HasSubstr("--older-tables"))));
  EXPECT_THAT(Refusal({"--older-tables", "--at", first.lsn}), HasSubstr("a foreign key joins that with"));
}

TEST_F(GapTest, AChangeOfTheSchemaHasNoMomentInBetween) {
  rotv.MustSync({"baseline"});
  Exec("UPDATE t SET v = 'first' WHERE id = 1");
  const Moment first = Now();
  Exec("ALTER TABLE t ADD added int; INSERT INTO notes VALUES ('second')");
  rotv.MustSync({"pull"});
  EXPECT_THAT(Refusal({"--older-tables", "--at", first.lsn}),
              HasSubstr("within a pull that found the schema changed or made a resync"));
}

}  // namespace
}  // namespace rotv::testing
