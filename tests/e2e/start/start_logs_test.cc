// `rotv logs`: one stream, its parts, its end, and where it begins; and an application that dies on a persistent
// cluster.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include "tests/e2e/exit_codes.h"
#include "tests/e2e/start/start_fixture.h"

namespace rotv::testing {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

class StartLogsTest : public StartTest {
 protected:
  StartLogsTest() {
    // /say/WORD writes a line to each output, /end/STATUS ends.
    WriteApp("say.js", R"(
const http = require('http');
for (let i = 1; i <= 20; i++) console.log(`step ${i}`);
http.createServer((request, response) => {
  const [, what, word] = request.url.split('/');
  if (what === 'end') process.exit(Number(word));
  if (what === 'say') { console.log(`out ${word}`); console.error(`err ${word}`); }
  response.end(String(process.pid));
}).listen(Number(process.env.PORT), '127.0.0.1');
)");
    Configure("command = \"node say.js\"\n");
  }
  void Configure(const std::string& lines) { std::ofstream(rotv_.config(), std::ios::app) << lines; }

  fs::path Log() const { return rotv_.home() / "run/app.log"; }
  // Waits until the log's present length has been noted; returns the second of that, in RFC 3339.
  std::string NotedTime() const {
    std::string second;
    EXPECT_TRUE(WaitUntil([&] {
      std::istringstream times(ReadFile(Log().native() + ".times"));
      for (std::string bytes; times >> second >> bytes;) {
        if (bytes == std::to_string(fs::file_size(Log()))) return true;
      }
      return false;
    })) << ReadFile(Log().native() + ".times");
    std::string time = MustRun({.argv = {"date", "-u", "-d", "@" + second, "+%Y-%m-%dT%H:%M:%SZ"}}).out;
    time.pop_back();
    return time;
  }
  bool Answers() const { return !Get("/").empty(); }
};

TEST_F(StartLogsTest, ALogIsShownFromATimeOn) {
  MustRotv({"start"});
  Get("/say/early");
  const std::string since = NotedTime();
  Get("/say/late");
  const std::string late = MustRotv({"logs", "--app", "--since", since});
  EXPECT_EQ(late, "out late\nerr late\n");
  EXPECT_THAT(MustRotv({"logs", "--since", "10m"}), HasSubstr("rotv: database ready"));
  EXPECT_THAT(MustRotv({"logs", "--since", "10m", "--app", "--tail", "1"}), "err late\n");
  EXPECT_EQ(MustRotv({"logs", "--app", "--tail", "3"}), "err early\nout late\nerr late\n");
  const Result wrong = Rotv({"logs", "--since", "soon"});
  EXPECT_EQ(wrong.exit_status, kUsage);
  EXPECT_THAT(wrong.err, HasSubstr("\"soon\" is neither a duration nor a time\nhint: write how long ago (90s, 10m"));
  // The same of the last run, once nothing runs.
  MustRotv({"stop"});
  EXPECT_THAT(MustRotv({"logs", "--app", "--since", since}), "out late\nerr late\n");
}

TEST_F(StartLogsTest, AFollowedLogIsReadOnce) {
  MustRotv({"start"});
  Process all(RotvCommand({"logs", "--app", "-f"}));
  Process last(RotvCommand({"logs", "--app", "-f", "--tail", "2"}));
  ASSERT_TRUE(all.WaitForOutput("step 20\n", std::chrono::seconds(30)));
  ASSERT_TRUE(last.WaitForOutput("step 20\n", std::chrono::seconds(30)));
  for (const char* word : {"/say/one", "/say/two"}) Get(word);
  ASSERT_TRUE(all.WaitForOutput("err two\n", std::chrono::seconds(30)));
  ASSERT_TRUE(last.WaitForOutput("err two\n", std::chrono::seconds(30)));
  // What was shown when the log fell silent is not shown again.
  NotedTime();
  std::string steps;
  for (int i = 1; i <= 20; ++i) steps += "step " + std::to_string(i) + "\n";
  const std::string said = "out one\nerr one\nout two\nerr two\n";
  EXPECT_EQ(all.Out(), steps + said);
  EXPECT_EQ(last.Out(), "step 19\nstep 20\n" + said);
  // It ends with the application, or by Ctrl-C.
  last.Signal(SIGINT);
  const Result interrupted = last.Wait();
  EXPECT_EQ(interrupted.exit_status, 130);
  EXPECT_EQ(interrupted.err, "");
  MustRotv({"stop"});
  EXPECT_EQ(all.Wait().exit_status, 0);
  // A reader that goes away ends it without a word.
  Command head = RotvCommand({"logs"});
  head.argv.insert(head.argv.begin(), {"bash", "-c", "\"$@\" | head -n 1", "bash"});
  const Result cut = RunCommand(head);
  EXPECT_EQ(cut.err, "");
  EXPECT_EQ(std::count(cut.out.begin(), cut.out.end(), '\n'), 1);
}

TEST_F(StartLogsTest, APersistentDatabaseSurvivesItsApplication) {
  fs::create_directory(rotv_.home());
  fs::permissions(rotv_.home(), fs::perms(0711));  // For root's server.
  MustRotv({"start", "--persistent"});
  const std::string first = Get("/");
  Get("/end/3");
  EXPECT_EQ(MustRotv({"psql", "-XAtc", "SELECT count(*) FROM places"}), "100\n");
  EXPECT_TRUE(WaitUntil([&] { return Answers(); })) << MustRotv({"logs"});
  EXPECT_NE(Get("/"), first);
  EXPECT_THAT(MustRotv({"logs"}),
              HasSubstr("rotv: the application ended with status 3\nrotv: it is started again in 1 s\n"));
  EXPECT_EQ(MustRotv({"psql", "-XAtc", "SELECT count(*) FROM places"}), "100\n");
  // One that ended by itself without an error has done its work.
  Get("/end/0");
  EXPECT_TRUE(WaitUntil([&] { return MustRotv({"logs"}).find("it is not started again") != std::string::npos; }));
  const Result status = Rotv({"--json", "status"});
  EXPECT_EQ(status.exit_status, kCannotStart);
  EXPECT_EQ(Json::parse(status.out).at("answers"), false);
  EXPECT_EQ(MustRotv({"psql", "-XAtc", "SELECT count(*) FROM places"}), "100\n");
  MustRotv({"stop"});
  EXPECT_THAT(Processes(), ::testing::IsEmpty());

  // A start does not wait for an application that dies again and again.
  WriteApp("say.js", "console.log('no licence'); process.exit(3);\n");
  const Result failed = Rotv({"start", "--persistent"});
  EXPECT_EQ(failed.exit_status, kCannotStart);
  EXPECT_THAT(failed.err, HasSubstr("rotv: the application ended with status 3: no licence\n"));
  EXPECT_THAT(Processes(), ::testing::IsEmpty());
}

}  // namespace
}  // namespace rotv::testing
