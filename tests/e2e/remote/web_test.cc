// What a publisher writes into a directory is followed over https from any web server that has the directory.

#include <gmock/gmock.h>

#include "fmt/format.h"
#include "tests/e2e/remote/remote_fixture.h"
#include "tests/support/servers/web_server.h"

namespace rotv::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class WebTest : public RemoteTest {
 protected:
  WebTest() {
    Exec("CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'one'), (2, 'two')");
    rotv.MustSync({"baseline"});
    rotv.MustSync({"publish"});
  }
  // The follower's home is another user's: it does not trust the server by itself.
  Result Pull(const WebServer& server, const std::string& variable = "SSL_CERT_FILE") const {
    Command command = FollowerCommand({"--json", "pull"});
    if (!variable.empty()) command.env[variable] = server.certificate();
    return RunCommand(command);
  }
};

TEST_F(WebTest, AFollowerHasTheSeedAndAsksOnceWhenNothingIsNew) {
  WebServer server(rotv.directory());
  ConfigureFollower(server.url() + "/the%20remote?signature=secret");
  const Result distrusts = Pull(server, "");
  EXPECT_EQ(distrusts.exit_status, 3) << distrusts.err;
  EXPECT_THAT(distrusts.err + distrusts.out, HasSubstr("update-ca-certificates"));
  server.TakeLog();
  ASSERT_EQ(Pull(server).exit_status, 0);
  ExpectSeedEqualsDump(rotv.server(), FollowerSeed(), {.import = Import::kNone});
  server.TakeLog();
  EXPECT_EQ(Pull(server, "AWS_CA_BUNDLE").exit_status, 0);
  EXPECT_THAT(server.TakeLog(), ElementsAre("GET /the remote/head 304"));

  Exec("UPDATE t SET v = 'changed'");
  PullAndPublish();
  const Result again = Pull(server);
  EXPECT_EQ(again.exit_status, 0) << again.err;
  EXPECT_EQ(again.out.find("secret"), std::string::npos) << again.out;
  ExpectSeedEqualsDump(rotv.server(), FollowerSeed(), {.import = Import::kNone});
}

TEST_F(WebTest, WhatAWebServerCannotDoIsSaid) {
  WebServer server(rotv.directory());
  ConfigureFollower(server.url() + "/nothing");
  const Result nothing = Pull(server);
  EXPECT_EQ(nothing.exit_status, 2) << nothing.err;
  EXPECT_THAT(nothing.out + nothing.err, HasSubstr("nothing is published"));
  std::filesystem::rename(objects(), remote() / "away");
  ConfigureFollower(server.url() + "/the%20remote");
  const Result lacks = Pull(server);
  EXPECT_EQ(lacks.exit_status, 7) << lacks.err;
  WriteFile(rotv.config(), ReadFile(rotv.config()) + "[remotes.web]\nurl = \"" + server.url() + "\"\n");
  const Result read_only = rotv.Sync({"publish", "web"});
  EXPECT_EQ(read_only.exit_status, 2) << read_only.err;
  EXPECT_THAT(read_only.err, HasSubstr("can only be read"));
}

}  // namespace
}  // namespace rotv::testing
