// What is wrong with a remote is said, nothing of it is taken, and what was taken before stays usable.

#include <fstream>

#include "tests/e2e/remote/remote_fixture.h"

namespace rotv::testing {
namespace {

namespace fs = std::filesystem;

class RemoteDamageTest : public RemoteTest {
 protected:
  RemoteDamageTest() {
    Exec(
        "CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT n, md5(n::text) FROM generate_series(1, "
        "999) n");
    rotv.MustSync({"baseline"});
  }

  std::vector<fs::path> Objects() const {
    std::vector<fs::path> paths;
    for (const fs::directory_entry& entry : fs::directory_iterator(objects())) paths.push_back(entry.path());
    return paths;
  }
};

TEST_F(RemoteDamageTest, APlaceThatIsMissingOrEmptyIsNamed) {
  ExpectFollowerExit({"pull"}, 4, "there is no directory");
  fs::create_directories(remote());
  ExpectFollowerExit({"pull"}, 2, "nothing is published");
  for (const char* url : {"ftp://host/x", "team", "http://example.org/x", "file://host/x"}) {
    ConfigureFollower(url);
    ExpectFollowerExit({"pull"}, 2, "remote");
  }
}

TEST_F(RemoteDamageTest, ADamagedRemoteIsRefusedAndWhatWasTakenStays) {
  rotv.MustSync({"publish"});
  MustFollow({"pull"});
  const std::string before = ReadFile(FollowerSeed());
  const std::string first_head = ReadFile(remote() / "head");
  const std::vector<fs::path> first_objects = Objects();
  const fs::path first_copy = rotv.directory() / "first objects";
  fs::copy(objects(), first_copy);
  Exec("UPDATE t SET v = 'changed'");
  PullAndPublish();
  const std::string head = ReadFile(remote() / "head");
  fs::path added;
  for (const fs::path& path : Objects()) {
    if (std::find(first_objects.begin(), first_objects.end(), path) == first_objects.end()) added = path;
  }
  ASSERT_FALSE(added.empty());
  const std::string object = ReadFile(added);
  const std::string flipped = [&] {
    std::string bytes = object;
    bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 4);
    return bytes;
  }();
  std::string newer = head;
  newer[std::string("rotv remote ").size()] = '3';

  struct Case {
    const char* name;
    fs::path file;
    std::string content;
    int status;
  };
  const Case cases[] = {{"head empty", remote() / "head", "", 7},
                        {"head cut", remote() / "head", head.substr(0, head.size() - 1), 7},
                        {"head of something else", remote() / "head", std::string(500, 'x'), 7},
                        {"head of a later format", remote() / "head", newer, 2},
                        {"object empty", added, "", 7},
                        {"object cut", added, object.substr(0, object.size() / 2), 7},
                        {"object flipped", added, flipped, 7},
                        {"object swapped", added, ReadFile(first_objects[0]), 7}};
  for (const Case& damage : cases) {
    SCOPED_TRACE(damage.name);
    const std::string right = ReadFile(damage.file);
    WriteFile(damage.file, damage.content);
    ExpectFollowerExit({"pull"}, damage.status, "remote");
    EXPECT_EQ(ReadFile(FollowerSeed()), before);
    WriteFile(damage.file, right);
  }
  fs::rename(added, remote() / "elsewhere");
  ExpectFollowerExit({"pull"}, 7, "lacks the object");
  fs::rename(remote() / "elsewhere", added);
  FollowerIsDump();

  // An object that was removed is published once more; so is a head, by who takes over.
  fs::remove(added);
  rotv.MustSync({"publish"});
  fs::remove_all(follower_home() / "sources");
  FollowerIsDump();
  const std::string again = ReadFile(remote() / "head");
  WriteFile(remote() / "head", again.substr(1));
  ExpectExit(rotv, {"publish"}, 7);
  rotv.MustSync({"publish", "--take-over"});
  FollowerIsDump();

  // An older head, as somebody may put it back.
  for (const fs::path& path : first_objects) WriteFile(path, ReadFile(first_copy / path.filename()));
  WriteFile(remote() / "head", first_head);
  ExpectFollowerExit({"pull"}, 7, "older than what was taken");
  MustFollow({"pull", "--rebaseline"});
  EXPECT_EQ(ReadFile(FollowerSeed()), before);
}

TEST_F(RemoteDamageTest, TwoPublishersNoticeEachOther) {
  rotv.MustSync({"publish"});
  const fs::path copy = rotv.directory() / "copied home";
  fs::copy(rotv.home(), copy, fs::copy_options::recursive);
  Command other = rotv.SyncCommand({"publish"});
  other.argv[2] = copy;
  const Result refused = RunCommand(other);
  EXPECT_EQ(refused.exit_status, 2) << Describe(other, refused);
  EXPECT_NE(refused.err.find("is published by"), std::string::npos) << refused.err;
  EXPECT_NE(refused.err.find("--take-over"), std::string::npos) << refused.err;
  other.argv.emplace_back("--take-over");
  MustRun(other);
  ExpectExit(rotv, {"publish"}, 2);
  // Back again, with something new; after that the copy is behind.
  Exec("DELETE FROM t WHERE id = 1");
  rotv.MustSync({"pull"});
  rotv.MustSync({"publish", "--take-over"});
  EXPECT_EQ(RunCommand(other).exit_status, 2);
  FollowerIsDump();
}

TEST_F(RemoteDamageTest, WhatIsNoServerIsSaidByEachCommand) {
  rotv.MustSync({"publish"});
  MustFollow({"pull"});
  for (const char* command : {"baseline", "verify", "detach"}) ExpectFollowerExit({command}, 2, "no server");
  EXPECT_NE(MustFollow({"doctor"}).find("Ready for a pull"), std::string::npos);
  fs::rename(remote(), rotv.directory() / "away");
  EXPECT_EQ(Follower({"doctor"}).exit_status, 4);
  fs::rename(rotv.directory() / "away", remote());
  EXPECT_EQ(FollowerJson({"status"}).at("source"), "copy");
  MustFollow({"gc"});
  MustFollow({"check"});
  ExpectFollowerExit({"publish"}, 2, "no remote");
}

TEST_F(RemoteDamageTest, WhatIsNotMaskedIsNotPublishedWhereMasksAreRequired) {
  const std::string config = ReadFile(rotv.config());
  const auto configure = [&](const std::string& more) {
    WriteFile(rotv.config(), config + "require_mask = true\n" + more);
  };
  configure("");
  ExpectExit(rotv, {"publish"}, 2);
  EXPECT_FALSE(fs::exists(remote() / "head"));
  configure("[mask]\n\"public.t.v\" = \"text\"\n");
  ExpectExit(rotv, {"publish"}, 2);  // Not pulled under the rules yet.
  rotv.MustSync({"pull"});
  ExpectExit(rotv, {"publish"}, 2);  // The baseline holds the values.
  EXPECT_FALSE(fs::exists(remote() / "head"));
  rotv.MustSync({"baseline", "--force"});
  rotv.MustSync({"publish"});
  MustFollow({"pull"});
  EXPECT_EQ(ReadFile(rotv.Seed()), ReadFile(FollowerSeed()));
}

}  // namespace
}  // namespace rotv::testing
