// A remote on a host that is reached by SSH: published there and followed from there, and the same files as a
// directory's.

#include "fmt/format.h"
#include "tests/e2e/remote/remote_fixture.h"
#include "tests/support/servers/ssh_server.h"

namespace rotv::testing {
namespace {

class SshRemoteTest : public RemoteTest {
 protected:
  SshRemoteTest() {
    const std::string keys = fmt::format("identity = \"{}\"\nknown_hosts = \"{}\"\n", host_.client_key().native(),
                                         host_.known_hosts().native());
    WriteFile(rotv.config(), ReadFile(rotv.config()) + "[remotes.host]\nurl = \"" + Url() + "\"\n" + keys);
    WriteFile(rotv.directory() / "follower.toml", "[sources.copy]\nremote = \"" + Url() + "\"\n" + keys);
    Exec(
        "CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT i, repeat(md5(i::text), 30) FROM "
        "generate_series(1, 20000) i");
    rotv.MustSync({"baseline"});
  }
  std::string Url() const { return "ssh://" + host_.Destination() + remote().native(); }

  SshServer host_{{.config_lines = {"Subsystem sftp internal-sftp"}}};
};

TEST_F(SshRemoteTest, IsPublishedAndFollowedAndIsADirectoryThere) {
  rotv.MustSync({"publish", "host"});
  FollowerIsDump();
  Exec("UPDATE t SET v = 'new' WHERE id % 7 = 0; DELETE FROM t WHERE id > 19000");
  rotv.MustSync({"pull"});
  rotv.MustSync({"publish", "host"});
  FollowerIsDump();
  EXPECT_EQ(FollowerJson({"pull"})["up_to_date"], true);

  Exec("INSERT INTO t VALUES (-1, 'by the directory')");
  rotv.MustSync({"pull"});
  rotv.MustSync({"publish", "team"});
  FollowerIsDump();
}

TEST_F(SshRemoteTest, WhatIsWrongIsSaid) {
  const auto follow = [&](const std::string& lines, int status, const std::string& words) {
    WriteFile(rotv.directory() / "follower.toml", "[sources.copy]\n" + lines + "\n");
    ExpectFollowerExit({"pull"}, status, words);
  };
  const std::string keys = fmt::format("\nidentity = \"{}\"\nknown_hosts = \"{}\"", host_.client_key().native(),
                                       host_.known_hosts().native());
  follow("remote = \"" + Url() + "\"" + keys, 4, "there is no directory");
  follow("remote = \"ssh://127.0.0.1\"", 2, "does not say where on a host");
  follow("remote = \"/srv/x\"\nidentity = \"/x\"", 2, "reached by SSH");
  follow("remote = \"ssh://127.0.0.1:1/srv/x\"", 4, "127.0.0.1");
  follow("remote = \"" + Url() + "\"\nidentity = \"" + host_.client_key().native() + "\"\nknown_hosts = \"" +
             (rotv.directory() / "none").native() + "\"",
         3, "host key");
  std::filesystem::create_directory(remote());
  follow("remote = \"" + Url() + "\"" + keys, 2, "nothing is published");
}

}  // namespace
}  // namespace rotv::testing
