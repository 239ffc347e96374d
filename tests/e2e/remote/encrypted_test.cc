// A remote that is encrypted is of no use without its key, and takes nothing from others.

#include "tests/e2e/remote/remote_fixture.h"

namespace rotv::testing {
namespace {

namespace fs = std::filesystem;

class EncryptedTest : public RemoteTest {
 protected:
  EncryptedTest() {
    Exec("CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT n, 'row' FROM generate_series(1, 100) n");
    rotv.MustSync({"baseline"});
  }

  void Encrypt() { WriteFile(rotv.config(), ReadFile(rotv.config()) + "key = \"team key\"\n"); }
  void GiveKey(const std::string& place) {
    WriteFile(rotv.directory() / "follower.toml",
              "[sources.copy]\nremote = \"" + remote().native() + "\"\nkey = \"" + place + "\"\n");
  }
  fs::path key() const { return rotv.directory() / "team key"; }
};

TEST_F(EncryptedTest, WhoHasTheKeyFollowsAndNobodyElse) {
  rotv.MustSync({"key", "new", key()});
  ExpectExit(rotv, {"key", "new", key()}, 2);  // It is not replaced.
  EXPECT_EQ(fs::status(key()).permissions(), fs::perms::owner_read | fs::perms::owner_write);
  Encrypt();
  rotv.MustSync({"publish"});
  ExpectFollowerExit({"pull"}, 2, "encrypted");
  rotv.MustSync({"key", "new", rotv.directory() / "another"});
  GiveKey("another");
  ExpectFollowerExit({"pull"}, 7, "does not fit");
  GiveKey("team key");
  FollowerIsDump();
  Exec("UPDATE t SET v = 'changed' WHERE id < 50");
  PullAndPublish();
  EXPECT_FALSE(FollowerJson({"pull"}).at("whole"));
  FollowerIsDump();
  EXPECT_EQ(FollowerJson({"status"}).at("remote").at("publications_behind"), 0);
  EXPECT_TRUE(nlohmann::json::parse(rotv.MustSync({"--json", "publish", "--status"})).at("is_ours"));
  // In the jobs of a CI it is in a variable.
  GiveKey("$TEAM_KEY");
  ExpectFollowerExit({"pull"}, 2, "TEAM_KEY");
  Command pull = FollowerCommand({"pull"});
  pull.env["TEAM_KEY"] = ReadFile(key());
  MustRun(pull);
  fs::permissions(key(), fs::perms::group_read, fs::perm_options::add);
  ExpectExit(rotv, {"publish"}, 2);
}

// Who takes over with a key of his own would otherwise publish everything under that one, and remove what is there.
TEST_F(EncryptedTest, AnotherKeyTakesNothingOver) {
  rotv.MustSync({"key", "new", key()});
  Encrypt();
  rotv.MustSync({"publish"});
  const std::string head = ReadFile(remote() / "head");
  fs::rename(key(), rotv.directory() / "the right one");
  rotv.MustSync({"key", "new", key()});
  ExpectExit(rotv, {"publish", "--take-over"}, 7);
  EXPECT_EQ(ReadFile(remote() / "head"), head);
}

TEST_F(EncryptedTest, WhatWasPublishedOpenlyIsPublishedAnewUnderTheKey) {
  rotv.MustSync({"publish"});
  MustFollow({"pull"});
  rotv.MustSync({"key", "new", key()});
  // Whoever has the key takes nothing that is not under it.
  GiveKey("team key");
  ExpectFollowerExit({"pull"}, 7, "not encrypted");
  Encrypt();
  ExpectExit(rotv, {"publish"}, 7);
  rotv.MustSync({"publish", "--take-over"});
  EXPECT_TRUE(FollowerJson({"pull"}).at("whole"));
  Exec("DELETE FROM t WHERE id = 7");
  PullAndPublish();
  EXPECT_FALSE(FollowerJson({"pull"}).at("whole"));
  FollowerIsDump();
}

}  // namespace
}  // namespace rotv::testing
