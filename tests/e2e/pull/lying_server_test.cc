// An attacker controls the server, or the link to it: the rows, schema and changes that he sends end with exit 5,
// nothing of them is stored, and psql runs none of it.

#include "tests/support/servers/lying_server.h"

#include <gmock/gmock.h>

#include "tests/support/servers/rotv_home.h"

namespace rotv::testing {
namespace {

using namespace std::string_literals;
using ::testing::HasSubstr;

class LyingServerTest : public ::testing::Test {
 protected:
  LyingServerTest() {
    rotv.Configure(
        {{"url", "\"postgresql://rotv@127.0.0.1:" + std::to_string(liar.port()) + "/rotv?sslmode=disable\""}});
    rotv.server().Exec(
        "CREATE TABLE t (id int PRIMARY KEY, labelled text); INSERT INTO t VALUES (1, 'first'), (2, 'second');"
        "CREATE TABLE bag (name text); INSERT INTO bag VALUES ('in the bag');"
        "CREATE VIEW v AS SELECT 424242 AS n; CREATE SEQUENCE s");
  }

  std::string mark() const { return (rotv.directory() / "MARK").native(); }
  std::string command() const { return "\\! touch " + mark() + "\n"; }

  void ExpectRefused(const std::vector<std::string>& arguments, const std::string& what) const {
    const Command run = rotv.SyncCommand(arguments);
    const Result result = RunCommand(run);
    EXPECT_EQ(result.exit_status, 5) << what << Describe(run, result);
    EXPECT_THAT(result.err, ::testing::Not(::testing::HasSubstr("first"))) << "a value: " << result.err;
  }

  // Checks that the store has only what the source has, and that psql runs nothing of it.
  void ExpectSeedIsHarmless() {
    const std::filesystem::path seed = rotv.Seed();
    rotv.server().CreateDatabase("elsewhere");
    EXPECT_TRUE(rotv.server().Psql(seed, {"elsewhere", "rotv"}).ok());
    rotv.server().DropDatabase("elsewhere");
    EXPECT_FALSE(std::filesystem::exists(mark()));
    rotv.ExpectSeedIsDump();
  }

  RotvHome rotv{{.binary = ROTV_SYNC_BINARY, .way = Way::kDirect}};
  LyingServer liar{rotv.server().port()};
};

// Labels: slow
TEST_F(LyingServerTest, RowsAndSchemaOfABaselineAreChecked) {
  const std::string evil = command();
  struct Case {
    const char* what;
    LyingServer::Lie lie;
  };
  const auto row = [](const std::string& bytes) { return LyingServer::InPlaceOfRow("1\tfirst", bytes); };
  const Case cases[] = {
      {"a command after the end of the rows", row("1\tfirst\n\\.\n" + evil)},
      {"two lines", row("1\tfirst\n3\tthird\n")},
      {"no line end", row("1\tfirst")},
      {"a field missing", row("1\n")},
      {"a field too many", row("1\tfirst\tx\n")},
      {"an unknown escape", row("1\tfirst\\!\n")},
      {"the end of the rows", LyingServer::InPlaceOfRow("in the bag", "\\.\n")},
      {"a carriage return", row("1\tfirst\r\n")},
      {"a zero byte", row("1\tfir\0st\n"s)},
      {"no UTF-8", row("1\tfir\xff\n")},
      {"a key that is no number", row("x\tfirst\n")},
      {"a schema with a command", LyingServer::InPlaceOfText("424242", "1;\n" + evil + "SELECT 1")},
      {"a schema with rows", LyingServer::InPlaceOfText("424242", "1;\nCOPY t FROM stdin;\n\\.\n")},
      {"a schema with an open quote", LyingServer::InPlaceOfText("424242", "'")},
      {"a table's name", LyingServer::InPlaceOfText("public.bag", "public.bag FROM stdin;\n\\.\n" + evil)},
      {"a column's name", LyingServer::InPlaceOfText("labelled", "labelled) FROM stdin;\n\\.\n" + evil)},
      {"a sequence's name", LyingServer::InPlaceOfText("public.s", "public.s\\'; " + evil)},
  };
  for (const Case& each : cases) {
    liar.SetLie(each.lie);
    ExpectRefused({"baseline"}, each.what);
    liar.RemoveLie();
    EXPECT_EQ(rotv.Sync({"materialize"}).exit_status, 2) << each.what << ": there is a store";
  }
  rotv.MustSync({"baseline"});
  ExpectSeedIsHarmless();
}

TEST_F(LyingServerTest, ChangesAreCheckedAndNothingAfterALieIsStored) {
  rotv.MustSync({"baseline"});
  rotv.server().Exec("INSERT INTO t VALUES (3, 'third')");
  rotv.server().Exec("UPDATE t SET labelled = 'changed' WHERE id = 1");
  using Messages = std::vector<std::string>;
  struct Case {
    const char* what;
    std::function<Messages(std::string_view)> change;
  };
  const auto instead = [](char type, Messages messages) {
    return
        [=](std::string_view payload) { return payload.front() == type ? messages : Messages{std::string(payload)}; };
  };
  const auto replaced = [](const std::string& from, const std::string& to) {
    return [=](std::string_view payload) {
      std::string lie(payload);
      if (const size_t at = lie.find(from); at != std::string::npos) lie.replace(at, from.size(), to);
      return Messages{lie};
    };
  };
  const Case cases[] = {
      {"no Begin", instead('B', {})},
      {"Begin twice", [](std::string_view p) { return Messages(p.front() == 'B' ? 2 : 1, std::string(p)); }},
      {"Commit twice", [](std::string_view p) { return Messages(p.front() == 'C' ? 2 : 1, std::string(p)); }},
      {"no Commit", instead('C', {})},
      {"no Relation", instead('R', {})},
      {"no UTF-8", replaced("third",
                            "thi\xff"
                            "d")},
      {"a zero byte", replaced("third", "thi\0d"s)},
      {"a key that is no number", replaced("\x01"
                                           "3t",
                                           "\x01"
                                           "\nt")},
      {"cut off", [](std::string_view p) { return Messages{std::string(p.substr(0, p.size() - 1))}; }},
      {"a column missing",
       [](std::string_view p) {
         std::string lie(p);
         if (p.front() == 'I') lie = lie.substr(0, 6) + "\0\x01t\0\0\0\x01"s + "3";
         return Messages{lie};
       }},
  };
  for (const Case& each : cases) {
    liar.SetLie(LyingServer::OfStream(each.change));
    ExpectRefused({"pull"}, each.what);
  }
  // A value may contain any text: it is escaped here.
  liar.SetLie(LyingServer::OfStream(replaced("third", "\n\\.\n\\")));
  rotv.MustSync({"pull"});
  liar.RemoveLie();
  EXPECT_THAT(ReadFile(rotv.Seed()), HasSubstr("3\t\\n\\\\.\\n\\\\\n"));
  rotv.server().Exec("UPDATE t SET labelled = E'\\n\\\\.\\n\\\\' WHERE id = 3");
  rotv.MustSync({"pull"});
  ExpectSeedIsHarmless();
}

}  // namespace
}  // namespace rotv::testing
