// `rotv --runtime local start` next to other users of the machine, who must not get any program run nor block the
// start.

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <xxhash.h>

#include <cstdio>
#include <sstream>

#include "tests/e2e/start/start_fixture.h"
#include "tests/support/servers/local_attacker.h"

namespace rotv::testing {
namespace {

using Json = nlohmann::json;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class StartNeighboursTest : public StartTest {
 protected:
  std::filesystem::path Record() const { return rotv_.home() / "run/local-directory"; }
  std::filesystem::path Directory() const { return ReadFile(Record()); }
  void ExpectItWorks() {
    Result started = Rotv({"start"});
    EXPECT_TRUE(started.ok()) << started.err;
    EXPECT_EQ(Get("/count/places"), "100");
    EXPECT_EQ(attacker_.Victims(), "");
  }

  LocalAttacker attacker_;
};

struct stat StatusOf(const std::filesystem::path& path) {
  struct stat status {};
  EXPECT_EQ(lstat(path.c_str(), &status), 0) << path;
  return status;
}

TEST_F(StartNeighboursTest, TakenNamesAreNotUsed) {
  // A name that could once be predicted.
  std::string home = rotv_.home();
  char name[64];
  std::snprintf(name, sizeof name, "rotv-%u-%08x", geteuid(),
                static_cast<uint32_t>(XXH3_64bits(home.data(), home.size())));
  const std::filesystem::path predicted = std::filesystem::path("/dev/shm") / name;
  attacker_.Occupy(predicted);
  ExpectItWorks();
  EXPECT_NE(Directory(), predicted);
  MustRotv({"stop"});
  EXPECT_TRUE(std::filesystem::exists(predicted / "entrypoint/entrypoint"))
      << "a directory of another user was removed";
  attacker_.Run("rm -r '" + predicted.native() + "'");
}

TEST_F(StartNeighboursTest, AVisibleDirectoryCannotBeReplaced) {
  std::unique_ptr<Process> attack = attacker_.AttackNamesIn("/dev/shm");
  if (!IsRoot()) attack.reset();  // The attacker would own it.
  ExpectItWorks();
  const std::filesystem::path directory = Directory();
  EXPECT_EQ(StatusOf(directory).st_uid, geteuid());
  EXPECT_EQ(StatusOf(directory / "entrypoint/entrypoint").st_uid, geteuid());
  EXPECT_EQ(StatusOf(directory).st_mode & (S_IWGRP | S_IWOTH), 0u);
  // Its clone may be used again: it is still the same directory, and nobody else's.
  MustRotv({"restart"});
  EXPECT_EQ(StatusOf(Directory()).st_uid, geteuid());
  EXPECT_EQ(StatusOf(Directory()).st_mode & (S_IWGRP | S_IWOTH), 0u);
  EXPECT_EQ(Get("/count/places"), "100");
  EXPECT_EQ(attacker_.Victims(), "");
}

TEST_F(StartNeighboursTest, AReplacedDirectoryIsNotUsed) {
  MustRotv({"start"});
  const std::filesystem::path directory = Directory();
  MustRotv({"stop"});
  EXPECT_FALSE(std::filesystem::exists(directory));
  if (!IsRoot()) return;  // Without root the attacker is the owner.
  // The state after a crash of the machine: the recorded directory is gone, and an attacker knows its name.
  WriteFile(Record(), directory.native());
  attacker_.Occupy(directory);
  EXPECT_EQ(Json::parse(Rotv({"--json", "status"}).out)["state"], "stopped");
  ExpectItWorks();
  EXPECT_NE(Directory(), directory);
  MustRotv({"stop"});
  WriteFile(Record(), directory.native());
  attacker_.Run("rm -r '" + directory.native() + "' && ln -s /etc '" + directory.native() + "'");
  MustRotv({"stop"});
  EXPECT_TRUE(std::filesystem::exists("/etc/passwd"));
  attacker_.Run("rm '" + directory.native() + "'");
}

TEST_F(StartNeighboursTest, ADirectoryThatOthersCanWriteIsRefusedBeforeAnyChange) {
  struct Place {
    const char* make;
    const char* reason;
  };
  std::vector<Place> places = {{"mkdir open && chmod 0777 open", "can be written by other users"},
                               {"mkdir -p open/mine && chmod 0777 open", "can be written by other users"}};
  if (IsRoot()) places.push_back({"mkdir open", "belongs to another user"});
  for (const Place& place : places) {
    ASSERT_TRUE(attacker_.Run(std::string("rm -rf open; ") + place.make).ok());
    std::filesystem::path directory = attacker_.shared() / "open";
    if (IsRoot() && std::string(place.reason) != "belongs to another user") std::filesystem::remove_all(directory);
    if (!std::filesystem::exists(directory)) {
      MustRun({.argv = {"bash", "-c", place.make}, .directory = attacker_.shared()});
    }
    if (std::filesystem::exists(directory / "mine")) directory /= "mine";
    variables_["ROTV_TMPFS_DIR"] = directory;
    Result started = Rotv({"start"});
    EXPECT_EQ(started.exit_status, 2) << place.make;
    EXPECT_THAT(started.err, HasSubstr(place.reason));
    EXPECT_THAT(started.err, HasSubstr("hint: name another directory with ROTV_TMPFS_DIR"));
    EXPECT_FALSE(std::filesystem::exists(rotv_.home() / "sources"));
    MustRun({.argv = {"rm", "-rf", attacker_.shared() / "open"}});
  }
}

TEST_F(StartNeighboursTest, AProcessOfAnotherUserIsNotMistakenForOurs) {
  if (!IsRoot()) return;
  MustRotv({"start"});
  const std::string directory = Directory();
  std::unique_ptr<Process> decoy = attacker_.Start("export ROTV_RUN='" + directory + "'; echo here; exec sleep 600");
  ASSERT_TRUE(decoy->WaitForOutput("here", std::chrono::seconds(30)));
  MustRotv({"stop"});
  EXPECT_TRUE(decoy->Running()) << "a process of another user was killed";
  EXPECT_EQ(Json::parse(Rotv({"--json", "status"}).out)["state"], "stopped");
}

// Root works in directories that belong to the server's user, whose programs may run code of anyone.
TEST_F(StartNeighboursTest, RootFollowsNoLinkOfTheServersUser) {
  if (!IsRoot()) return;
  const std::filesystem::path home = rotv_.home();
  std::filesystem::create_directories(home);
  for (std::filesystem::path part = home; part != part.root_path(); part = part.parent_path()) {
    std::filesystem::permissions(part, std::filesystem::perms::others_exec, std::filesystem::perm_options::add);
  }
  MustRotv({"start", "--persistent"});
  EXPECT_THAT(
      RunCommand({.argv = {"bash", "-c", "touch '" + Directory().native() + "/entrypoint/entrypoint' && echo written"},
                  .user = "postgres"})
          .out,
      IsEmpty());
  MustRotv({"stop"});
  const std::filesystem::path victim = attacker_.shared() / "victim";
  std::filesystem::create_directory(victim);
  WriteFile(victim / "file", "root's\n");
  MustRun({.argv = {"ln", "-s", victim, home / "pgdata/link"}, .user = "postgres"});
  MustRun({.argv = {"ln", "-s", victim / "file", home / "pgdata/postmaster.pid"}, .user = "postgres"});
  MustRun({.argv = {"bash", "-c", "mkfifo '" + home.native() + "/pgdata/pipe'"}, .user = "postgres"});
  Result started = Rotv({"start", "--persistent"});
  EXPECT_TRUE(started.ok()) << started.err;
  EXPECT_EQ(StatusOf(victim).st_uid, 0u);
  EXPECT_EQ(StatusOf(victim / "file").st_uid, 0u);
  EXPECT_EQ(ReadFile(victim / "file"), "root's\n");
}

}  // namespace
}  // namespace rotv::testing
