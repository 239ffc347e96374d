// An owner of tables on production chooses names, and what the server says; neither controls a terminal, or is taken
// for a command, on the machine that pulls.

#include <gmock/gmock.h>

#include "tests/e2e/start/start_fixture.h"

namespace rotv::testing {
namespace {

using Json = nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

// Moves the cursor, sets the title, reverses the line, and continues with a line that psql would run.
constexpr const char* kName = "t\x1b[2J\x1b]0;x\a\u202e\u009b2J\u2066\n\\! touch ran\nSELECT 1; --";
const char* const kSteering[] = {"\x1b", "\a", "\u202e", "\u009b", "\u2066"};

class HostileNamesTest : public StartTest {
 protected:
  HostileNamesTest() {
    const std::string table = SqlName(kName);
    rotv_.server().Exec("CREATE TABLE " + table + " (" + SqlName(std::string("c") + kName) +
                        " int PRIMARY KEY, email text); INSERT INTO " + table +
                        " SELECT n, 'x' FROM generate_series(1, " + "1000) n");
    // A notice that everyone gets who changes the schema, as we do.
    rotv_.server().Exec(
        "CREATE FUNCTION shout() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING "
        "'heard \x1b[2J\u202e'; END $$; CREATE EVENT TRIGGER shout ON ddl_command_end EXECUTE FUNCTION shout()",
        kSuperuser);
  }

  void ExpectHarmless(const Result& result) {
    for (const std::string& text : {result.out, result.err}) {
      for (const char* steering : kSteering) EXPECT_THAT(text, Not(HasSubstr(steering)));
      EXPECT_THAT(text, Not(HasSubstr("heard")));
      for (const std::string& line : Lines(text)) EXPECT_NE(line.rfind("\\! touch", 0), 0U) << text;
    }
  }

  static std::vector<std::string> Lines(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) lines.push_back(line);
    return lines;
  }
};

TEST_F(HostileNamesTest, NoCommandPrintsThemUnescaped) {
  const std::vector<std::string> commands[] = {
      {"doctor"},         {"-v", "doctor"}, {"-v", "baseline"}, {"-v", "pull"},
      {"status"},         {"log"},          {"verify"},         {"snapshot", "create", "before"},
      {"mask", "suggest"}};
  for (const auto& command : commands) {
    SCOPED_TRACE(::testing::PrintToString(command));
    const Result result = rotv_.Sync(command);
    EXPECT_TRUE(result.ok()) << result.err;
    ExpectHarmless(result);
  }
  rotv_.server().Exec("UPDATE " + SqlName(kName) + " SET email = 'y' WHERE email = 'x'");
  ExpectHarmless(rotv_.Sync({"pull"}));
  for (const auto& command : {std::vector<std::string>{"log"},
                              {"log", "--table", kName},
                              {"log", "--table", "no\x1b"},
                              {"snapshot", "diff", "before", "head"},
                              {"snapshot", "delete", "no\x1b\u202e"}}) {
    SCOPED_TRACE(::testing::PrintToString(command));
    ExpectHarmless(rotv_.Sync(command));
  }
  // Errors quote names: a column that the rule cannot mask, a table that does not exist.
  rotv_.Configure({{"exclude", R"(["public.no)"
                               "\\u202e"
                               R"("])"}});
  const Result refused = rotv_.Sync({"baseline", "--force"});
  EXPECT_FALSE(refused.ok());
  ExpectHarmless(refused);
}

TEST_F(HostileNamesTest, InJsonTheyAreExact) {
  rotv_.MustSync({"baseline"});
  const Json doctor = Json::parse(rotv_.Sync({"--json", "doctor"}).out);
  EXPECT_EQ(doctor["tables"][2]["name"].get<std::string>().find(SqlName(kName)) != std::string::npos, true)
      << doctor["tables"];
}

// Table names once went to psql as part of our text.
TEST_F(HostileNamesTest, TheSummaryAfterAStartRunsNoName) {
  const Result started = Rotv({"start"});
  ASSERT_TRUE(started.ok()) << started.err;
  ExpectHarmless(started);
  EXPECT_THAT(started.out, HasSubstr("1,000 rows"));
  for (const auto& entry : std::filesystem::recursive_directory_iterator(rotv_.directory())) {
    EXPECT_NE(entry.path().filename(), "ran") << entry.path();
  }
  Rotv({"stop"});
  const Json again = Json::parse(MustRotv({"--json", "start"}));
  bool found = false;
  for (const Json& table : again["tables"]) found = found || table["name"] == SqlName(kName);
  EXPECT_TRUE(found) << again["tables"];
}

}  // namespace
}  // namespace rotv::testing
