// What is published is signed, and a follower that names the key takes nothing else.

#include "sync/remote/head_object.h"
#include "sync/remote/object_hash.h"
#include "sync/remote/step_path.h"
#include "tests/e2e/remote/remote_fixture.h"

namespace rotv::testing {
namespace {

namespace fs = std::filesystem;

class SignedTest : public RemoteTest {
 protected:
  SignedTest() {
    Exec("CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT n, 'row' FROM generate_series(1, 100) n");
    rotv.MustSync({"baseline"});
  }

  // Adds to [remotes.team], which is the last section.
  void Configure(const std::string& more) { WriteFile(rotv.config(), config_ + more); }
  void Pin(const std::string& keys) { ConfigureFollower(remote().native(), "public_key = " + keys + "\n"); }
  std::string Publish(std::vector<std::string> more = {}) {
    more.insert(more.begin(), {"--json", "publish"});
    const nlohmann::json published = nlohmann::json::parse(rotv.MustSync(more));
    return published.at("public_key").is_null() ? "" : published.at("public_key").get<std::string>();
  }
  nlohmann::json Status(std::vector<std::string> more = {}) {
    more.insert(more.begin(), {"--json", "publish", "--status"});
    return nlohmann::json::parse(rotv.MustSync(more));
  }
  static std::string Quoted(const std::string& key) { return "\"" + key + "\""; }
  std::string Head() const { return ReadFile(remote() / "head"); }
  void PutHead(const std::string& bytes) const { WriteFile(remote() / "head", bytes); }

 private:
  const std::string config_ = ReadFile(rotv.config());
};

TEST_F(SignedTest, AFollowerTakesWhatTheNamedKeyHasSignedAndNothingElse) {
  const std::string open_head = [&] {
    rotv.MustSync({"publish"});
    return Head();
  }();
  Configure("sign = true\n");
  ExpectExit(rotv, {"publish"}, 2);  // It would go on with what anybody may have put there.
  const std::string key = Publish({"--take-over"});
  ASSERT_EQ(key.size(), 44U);
  EXPECT_EQ(Status().at("published").at("signed_by"), key);
  EXPECT_EQ(Status().at("is_ours"), true);
  ExpectFollowerExit({"pull"}, 2, "does not say by whom");
  ExpectFollowerExit({"pull"}, 2, "public_key = " + Quoted(key));
  Pin(Quoted(key));
  FollowerIsDump();
  const std::string first = Head();
  Exec("UPDATE t SET v = 'changed' WHERE id < 50");
  PullAndPublish();
  EXPECT_FALSE(FollowerJson({"pull"}).at("whole"));
  FollowerIsDump();
  EXPECT_EQ(FollowerJson({"status"}).at("remote").at("published").at("signed_by"), key);

  const std::string second = Head();
  PutHead(open_head);
  ExpectFollowerExit({"pull"}, 7, "not signed");
  EXPECT_EQ(Status().at("public_key"), key);
  EXPECT_EQ(Status().at("is_ours"), false);
  EXPECT_NE(rotv.MustSync({"publish", "--status"}).find("NOT signed\n"), std::string::npos);
  EXPECT_NE(FollowerJson({"status"}).at("unreachable").get<std::string>().find("not signed"), std::string::npos);
  PutHead(first);  // Signed, and older.
  ExpectFollowerExit({"pull"}, 7, "older than what was taken");
  // The signature of one over the content of the other.
  std::string mixed = first;
  mixed.replace(0, 14 + 65 + 45 + 89, second.substr(0, 14 + 65 + 45 + 89));
  PutHead(mixed);
  ExpectFollowerExit({"pull"}, 7, "its hash is wrong");
  mixed.replace(14, 64, remote::HashText(remote::HashOf(mixed.substr(14 + 65))));
  PutHead(mixed);
  ExpectFollowerExit({"pull"}, 7, "changed after it was signed");
  PutHead(second);
  FollowerIsDump();

  // Another remote of the same home has another key.
  Configure("sign = true\n[remotes.other]\nurl = \"elsewhere\"\nsign = true\n");
  EXPECT_NE(Publish({"other"}), key);
  PutHead(ReadFile(rotv.directory() / "elsewhere" / "head"));
  ExpectFollowerExit({"pull"}, 7, "another key");
  EXPECT_EQ(Status({"team"}).at("public_key"), key);  // Never the one that the place shows.
  EXPECT_EQ(Status({"team"}).at("is_ours"), false);
}

TEST_F(SignedTest, AnotherKeyIsTakenOnceTheFollowerNamesIt) {
  Configure("sign = true\n");
  const std::string key = Publish();
  Pin(Quoted(key));
  MustFollow({"pull"});
  fs::rename(rotv.home() / "signing-key", rotv.directory() / "the former one");
  ExpectExit(rotv, {"publish"}, 2);
  ExpectExit(rotv, {"publish", "no such"}, 2);
  // The publisher's own config may say which keys followers name: then it publishes under no other.
  Configure("sign = true\npublic_key = " + Quoted(key) + "\n");
  ExpectExit(rotv, {"publish", "--take-over"}, 2);
  Configure("sign = true\n");
  const std::string next = Publish({"--take-over"});
  EXPECT_NE(next, key);
  ExpectFollowerExit({"pull"}, 7, "another key");
  Pin("[" + Quoted(key) + ", " + Quoted(next) + "]");
  EXPECT_TRUE(FollowerJson({"pull"}).at("whole"));
  FollowerIsDump();
  // Without a signature any more.
  Configure("");
  ExpectExit(rotv, {"publish"}, 2);
  EXPECT_EQ(Publish({"--take-over"}), "");
  ExpectFollowerExit({"pull"}, 7, "not signed");
  ConfigureFollower(remote().native());
  FollowerIsDump();
}

// Whoever could write there before the key was named may have had anything taken.
TEST_F(SignedTest, WhatWasTakenBeforeTheKeyWasNamedIsTakenAgain) {
  Configure("sign = true\n[remotes.open]\nurl = \"the open one\"\n");
  const std::string key = Publish({"team"});
  rotv.MustSync({"publish", "open"});
  ConfigureFollower((rotv.directory() / "the open one").native());
  MustFollow({"pull"});
  Pin(Quoted(key));
  EXPECT_TRUE(FollowerJson({"status"}).at("remote").at("needs_all"));
  EXPECT_TRUE(FollowerJson({"pull"}).at("whole"));
  EXPECT_FALSE(FollowerJson({"status"}).at("remote").at("needs_all"));
  EXPECT_TRUE(FollowerJson({"pull"}).at("up_to_date"));
  FollowerIsDump();
}

// A head that somebody has made is not gone on with, though it be whole: it may name anything.
TEST_F(SignedTest, APublisherSignsNothingThatOthersHavePutThere) {
  Configure("");
  rotv.MustSync({"publish"});
  const std::string theirs = Head();
  Configure("sign = true\nkey = \"team key\"\n");
  rotv.MustSync({"key", "new", rotv.directory() / "team key"});
  fs::remove(remote() / "head");
  const std::string key = Publish();
  EXPECT_EQ(Head().substr(0, 21), "rotv sealed remote 2\n");
  ConfigureFollower(remote().native(), "public_key = " + Quoted(key) + "\nkey = \"team key\"\n");
  FollowerIsDump();
  PutHead(theirs);
  ExpectExit(rotv, {"publish"}, 7);
  EXPECT_EQ(Publish({"--take-over"}), key);
  FollowerIsDump();
}

// What it says of number and state could else end a take-over, or be signed; and objects may have been replaced.
TEST_F(SignedTest, ATakeOverHeedsNothingThatAnUnsignedHeadSays) {
  rotv.MustSync({"publish"});
  proto::RemoteHead forged = remote::ParseHead(Head(), "the place", nullptr);
  constexpr uint64_t kHuge = ~uint64_t{0};
  forged.set_number(kHuge);
  forged.mutable_state()->set_durable_lsn(kHuge);
  forged.mutable_state()->set_head_lsn(kHuge);
  *forged.mutable_base()->mutable_to() = remote::MarkOf(forged);
  PutHead(remote::PackHead(forged, nullptr, nullptr));
  for (const auto& entry : fs::directory_iterator(objects())) {
    std::string bytes = ReadFile(entry.path());
    bytes[bytes.size() / 2] ^= 1;
    WriteFile(entry.path(), bytes);
  }
  Configure("sign = true\n");
  ExpectExit(rotv, {"publish"}, 2);
  const std::string key = Publish({"--take-over"});
  EXPECT_EQ(Status().at("published").at("publication"), 1);
  Pin(Quoted(key));
  FollowerIsDump();
}

TEST_F(SignedTest, WhatIsNoPublicKeyIsSaidWithItsLine) {
  for (const char* wrong : {"\"short\"", "[]", "7", "\"no such file\""}) {
    Pin(wrong);
    ExpectFollowerExit({"pull"}, 2, "follower.toml:3");
  }
}

}  // namespace
}  // namespace rotv::testing
