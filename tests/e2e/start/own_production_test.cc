// A production that is a container of ours in persistent mode, as that of the first application: followed from an .env
// with PRODUCTION_HOST, PRODUCTION_PORT, PRODUCTION_CONTAINER and the PG… variables of the application alone.
//
// Labels: slow

#include <gmock/gmock.h>

#include <chrono>
#include <fstream>

#include "fmt/format.h"
#include "tests/e2e/start/start_fixture.h"
#include "tests/support/servers/oracle.h"
#include "tests/support/servers/postgres_container.h"
#include "tests/support/servers/ssh_server.h"

namespace rotv::testing {
namespace {

using ::testing::HasSubstr;

class ContainerProductionTest : public StartTest {
 protected:
  ContainerProductionTest()
      : StartTest("podman"), podman_(PreparePodman("application")), ssh_({.environment = podman_.environment}) {
    variables_ = podman_.environment;
    std::ofstream(rotv_.config(), std::ios::app)
        << fmt::format("image = \"{}\"\nbase_image = \"{}\"\n", image_, podman_.image);
    std::filesystem::create_directory(follower_ / ".ssh");
    WriteFile(follower_ / ".ssh/id_ed25519", ReadFile(ssh_.client_key()), 0600);
    WriteFile(follower_ / ".ssh/known_hosts", ReadFile(ssh_.known_hosts()), 0600);
  }
  ~ContainerProductionTest() override {
    Rotv({"stop"});
    Podman({"rmi", "--force", image_});
    // Its files belong to the container's PostgreSQL; podman unshare has the right to delete them.
    RunCommand({.argv = {"podman", "unshare", "rm", "-rf", rotv_.home() / "pgdata"}, .env = podman_.environment});
  }

  Result Podman(const std::vector<std::string>& arguments) const {
    std::vector<std::string> argv = {"podman"};
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    return RunCommand({.argv = argv, .env = podman_.environment});
  }
  std::string Container() const {
    const std::string names =
        Podman({"ps", "--filter", "label=rotv.home=" + rotv_.home().native(), "--format", "{{.Names}}"}).out;
    return names.substr(0, names.find('\n'));
  }
  // What pg_dump in the container writes, found by its own means.
  std::string Dump() const {
    return MustRun({.argv = {"podman", "exec", "--env=PGTZ=UTC", Container(), "pg_dump", "-h", "/tmp/pgsocket", "-U",
                             "rotv", "--clean", "--if-exists", "--no-owner", "--no-acl", "--no-publications",
                             "--no-subscriptions", "rotv"},
                    .env = podman_.environment})
        .out;
  }

  // A command of someone who follows that production: without a rotv.toml, in a directory with the application's .env.
  std::string Follow(const std::vector<std::string>& arguments) const {
    Command command = rotv_.ProgramCommand(ROTV_SYNC_BINARY, {});
    command.argv = {ROTV_SYNC_BINARY, "--home", follower_ / "home"};
    command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
    command.directory = follower_.path();
    command.env["HOME"] = follower_.path();
    return MustRun(command).out;
  }
  void ExpectSeedIsDump() {
    const std::filesystem::path seed = follower_ / "seed.sql";
    Follow({"materialize", "--output", seed});
    EXPECT_TRUE(DumpsAreEqual({"the seed", ReadFile(seed)}, {"pg_dump in the container", Dump()}));
  }

  TestPodman podman_;
  SshServer ssh_;
  TempDir follower_;
  const std::string image_ = fmt::format("localhost/rotv-test-production-{}", port_);
};

TEST_F(ContainerProductionTest, IsFollowedFromItsDotEnvAlone) {
  MustRotv({"build"});
  MustRotv({"start", "--persistent"});
  std::string variables = fmt::format(
      "PRODUCTION_HOST=127.0.0.1\nPRODUCTION_PORT={}\nPRODUCTION_CONTAINER={}\nPGHOST=localhost\nPGPORT=6543\n"
      "PGDATABASE=rotv\nPGUSER=rotv\nPGPASSWORD=of-the-application\n",
      ssh_.port(), Container());
  if (ssh_.user() != "root") variables += "PRODUCTION_USER=" + ssh_.user() + "\n";
  WriteFile(follower_ / ".env", variables, 0600);

  EXPECT_THAT(Follow({"doctor"}), HasSubstr("eady for a baseline"));
  const auto began = std::chrono::steady_clock::now();
  Follow({"baseline"});
  RecordProperty(
      "baseline_ms",
      static_cast<int>(
          std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - began).count()));
  ExpectSeedIsDump();
  MustRotv({"psql", "-qc", "INSERT INTO places VALUES (1000, 'new'); ALTER TABLE news ADD body text"});
  Follow({"pull"});
  ExpectSeedIsDump();
  // After a restart the container's processes are others.
  MustRotv({"restart"});
  MustRotv({"psql", "-qc", "DELETE FROM places WHERE id < 50"});
  Follow({"pull"});
  ExpectSeedIsDump();
  Follow({"detach"});
}

}  // namespace
}  // namespace rotv::testing
