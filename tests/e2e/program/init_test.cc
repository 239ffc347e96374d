// rotv-sync init: with options alone, and on a terminal (of util-linux's script), against a real sshd and server.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "fmt/format.h"
#include "tests/e2e/error_checks.h"
#include "tests/e2e/exit_codes.h"
#include "tests/support/servers/postgres_container.h"
#include "tests/support/servers/rotv_home.h"

namespace rotv::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class InitTest : public ::testing::Test {
 protected:
  InitTest() {
    fs::remove(rotv_.config());
    // Whatever else runs on this machine, its containers are not asked about.
    for (const char* name : {"podman", "docker"}) WriteFile(programs_ / name, "#!/bin/sh\nexit 1\n", 0755);
  }

  // What no question is about.
  std::vector<std::string> Silent() {
    return {"init",
            "--identity",
            rotv_.ssh().client_key(),
            "--known-hosts",
            rotv_.ssh().known_hosts(),
            "--host",
            rotv_.server().socket_directory(),
            "--port",
            std::to_string(rotv_.server().port())};
  }
  std::vector<std::string> Options(const std::string& database = "rotv") {
    std::vector<std::string> all = Silent();
    for (const std::string& word : {std::string("--ssh"), rotv_.ssh().Destination(), std::string("--database"),
                                    database, std::string("--user"), std::string("rotv")}) {
      all.push_back(word);
    }
    return all;
  }
  std::vector<std::string> LeftNames() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(rotv_.directory())) names.push_back(entry.path().filename());
    std::sort(names.begin(), names.end());
    return names;
  }
  struct Typed {
    std::string awaited;  // It is typed when the terminal shows this, since some programs forget what came before.
    std::string text;
  };
  // The same on a terminal.
  Result OnTerminal(const std::vector<std::string>& arguments, const std::vector<Typed>& answers) const {
    constexpr const char* kType =
        "line=$1 screen=$2; shift 2; { while [ $# -gt 0 ]; do for n in $(seq 600); do if grep -q -e \"$1\" "
        "\"$screen\"; then break; fi; sleep 0.05; done; printf %s \"$2\"; shift 2; done; } | "
        "script --quiet --return --flush --command \"$line\" \"$screen\"";
    Command command = rotv_.SyncCommand(arguments);
    std::string line;
    for (const std::string& word : command.argv) line += "'" + word + "' ";
    const std::string screen = rotv_.directory() / "user/screen";
    WriteFile(screen, "");
    command.argv = {"sh", "-c", kType, "sh", line, screen};
    for (const auto& [awaited, text] : answers) command.argv.insert(command.argv.end(), {awaited, text});
    command.env["TERM"] = "xterm";
    return RunCommand(command);
  }

  const TempDir programs_;
  RotvHome rotv_{{.binary = ROTV_SYNC_BINARY, .ssh = {.path_prefix = {programs_.path()}}}};
};

TEST_F(InitTest, OptionsMakeAFileWithWhichABaselineWorks) {
  rotv_.server().Exec("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)");
  // Nothing that cannot be reached is written.
  ExpectError(rotv_.Sync(Options("nowhere")), {kRefused, "nowhere", "nothing was written"});
  EXPECT_FALSE(fs::exists(rotv_.config()));

  std::vector<std::string> options = Options();
  options.insert(options.begin(), "--json");
  const Result made = rotv_.Sync(options);
  ASSERT_EQ(made.exit_status, 0) << made.out << made.err;
  const nlohmann::json document = nlohmann::json::parse(made.out);
  EXPECT_EQ(document["path"], rotv_.config().native());
  EXPECT_EQ(document["doctor"]["checks"][0]["outcome"], "ok");
  rotv_.MustSync({"baseline"});
  rotv_.ExpectSeedIsDump();

  // The second one replaces nothing, unless it is told to, and keeps what was there.
  const std::string first = ReadFile(rotv_.config());
  ExpectError(rotv_.Sync(Options()), {kUsage, "there is a " + rotv_.config().native() + " already", "--force"});
  EXPECT_EQ(ReadFile(rotv_.config()), first);
  rotv_.MustSync({"--source", "other", "init", "--force", "--no-check", "--remote", "history"});
  EXPECT_EQ(ReadFile(rotv_.config().native() + ".old"), first);
  EXPECT_THAT(ReadFile(rotv_.config()),
              HasSubstr("[sources.other]\nremote = \"" + (rotv_.directory() / "history").native() + "\"\n"));
  EXPECT_THAT(LeftNames(), ::testing::ElementsAre("home", "rotv.toml", "rotv.toml.old", "seed.sql", "user"));
}

// Options decide, whatever is guessed; and what cannot be read afterwards is not written.
TEST_F(InitTest, OptionsReplaceWhatIsGuessed) {
  const fs::path env = rotv_.directory() / ".env";
  WriteFile(env, "DATABASE_URL=postgresql://app@db.invalid/app\n");
  ExpectError(rotv_.Sync({"init", "--database", "shop", "--yes"}), {kUsage, "nothing says where", "--ssh"});
  WriteFile(env, "PRODUCTION_HOST=db.invalid\nPGDATABASE=rotv\nPRODUCTION_PGPORT=5433\nPRODUCTION_CONTAINER=c\n");
  rotv_.MustSync({"init", "--no-check", "--ssh", "other.invalid"});
  EXPECT_THAT(ReadFile(rotv_.config()), HasSubstr("ssh      = \"other.invalid\"\ndatabase = \"rotv\"\n# exclude"));
  fs::remove(rotv_.config());
  ExpectError(rotv_.Sync({"init", "--no-check", "--remote", "https://me:secret@host/h"}), {kUsage, "", ""});
  ExpectError(rotv_.Sync({"--source", "a b", "init", "--no-check", "--ssh", "db"}), {kUsage, "", ""});
  EXPECT_FALSE(fs::exists(rotv_.config()));
  WriteFile(env, "PRODUCTION_HOST=db.invalid\n");
  rotv_.MustSync({"init", "--no-check", "--remote", "/srv/history"});
}

TEST_F(InitTest, WithoutATerminalWhatIsMissingIsNamed) {
  ExpectError(rotv_.Sync({"init"}), {kUsage, "nothing says where the data comes from", "--ssh user@host"});
  ExpectError(rotv_.Sync({"init", "--ssh", "db"}), {kUsage, "no database is named", "--database NAME"});
  ExpectError(rotv_.Sync({"init", "--url", "postgresql://a:b@db/x"}), {kUsage, "url holds a password", "pgpass"});
  EXPECT_EQ(rotv_.Sync({"init", "--ssh", "db", "--url", "postgresql://a@db/x"}).exit_status, kUsage);
  EXPECT_FALSE(fs::exists(rotv_.config()));
  // What the application's files say is enough.
  WriteFile(rotv_.directory() / ".env", "PRODUCTION_HOST=db.invalid\nPGDATABASE=rotv\n");
  rotv_.MustSync({"init", "--no-check"});
  EXPECT_THAT(ReadFile(rotv_.config()), HasSubstr("ssh      = \"root@db.invalid\"\ndatabase = \"rotv\"\n"));
}

TEST_F(InitTest, ATerminalIsAskedForTheRest) {
  WriteFile(rotv_.directory() / "user/.ssh/config", "Host prod\n");
  WriteFile(rotv_.ssh().known_hosts(), "", 0600);
  // No host key is trusted without an answer.
  const Typed host{"Where", "1\n" + rotv_.ssh().Destination() + "\n"};
  const Result refused = OnTerminal(Silent(), {host, {"Shall ssh", "n\nrotv\nrotv\nn\n"}});
  EXPECT_EQ(refused.exit_status, kRefused) << refused.out;
  EXPECT_THAT(refused.out, HasSubstr("hosts of ~/.ssh/config: prod"));
  EXPECT_THAT(refused.out, HasSubstr("its fingerprint is SHA256:"));
  EXPECT_FALSE(fs::exists(rotv_.config()));

  // OpenSSH asks about the key by itself; then the questions go on.
  const Result made = OnTerminal(
      Silent(), {host, {"Shall ssh", "y\n"}, {"continue connecting", "yes\n"}, {"database:", "rotv\nrotv\n"}});
  EXPECT_THAT(ReadFile(rotv_.ssh().known_hosts()), HasSubstr(rotv_.ssh().HostKey()));
  EXPECT_EQ(made.exit_status, 0) << made.out;
  EXPECT_THAT(made.out, HasSubstr("Wrote " + rotv_.config().native()));
  EXPECT_EQ(rotv_.Sync({"doctor"}).exit_status, 0);
}

TEST_F(InitTest, ContainersOfTheHostAreProposed) {
  const PostgresContainer container;
  const SshServer there({.environment = container.environment()});
  const std::vector<std::string> options = {
      "init", "--ssh", there.Destination(), "--identity", there.client_key(), "--known-hosts", there.known_hosts()};
  const Result made =
      OnTerminal(options, {{"Where on that host", "in " + container.name() + " (\n"}, {"database:", "rotv\nrotv\n"}});
  EXPECT_EQ(made.exit_status, 0) << made.out;
  EXPECT_THAT(ReadFile(rotv_.config()), HasSubstr("container   = \"" + container.name() + "\"\n"));
}

}  // namespace
}  // namespace rotv::testing
