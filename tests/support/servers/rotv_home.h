// The parts of an end-to-end test, tied together: a source (a real PostgreSQL, through a real sshd unless the link is
// direct), a home directory, a rotv.toml that names the source, and the real binary.
//
//   RotvHome rotv({.binary = ROTV_SYNC_BINARY});
//   rotv.server().Exec("CREATE TABLE ...");
//   rotv.MustSync({"baseline"});
//   rotv.server().Exec("UPDATE ...");
//   rotv.MustSync({"pull"});
//   rotv.ExpectSeedIsDump();

#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/files/subprocess.h"
#include "tests/support/files/temp_dir.h"
#include "tests/support/servers/oracle.h"
#include "tests/support/servers/postgres_server.h"
#include "tests/support/servers/slow_link.h"
#include "tests/support/servers/ssh_server.h"

namespace rotv::testing {

// How the source is reached.
enum class Way {
  kSshSocket,  // Through SSH to the server's socket directory on the remote host.
  kSshTcp,     // Through SSH to 127.0.0.1 on the remote host.
  kDirect,     // A url, no SSH.
};

struct RotvHomeOptions {
  std::string binary = {};  // ROTV_SYNC_BINARY in every test.
  Way way = Way::kSshSocket;
  PostgresOptions postgres = {};
  SshServerOptions ssh = {};
  std::optional<SlowLinkOptions> slow_link = {};  // Between the client and sshd, or the server if the link is direct;
                                                  // its target_port is filled in.
  TempDirName home_name = TempDirName::kPlain;
  DataPlace home_place = DataPlace::kOnTmpfs;  // kOnDisk for what measures; what disks do wrong, OddDisk does anywhere.
  // Override the source's lines in rotv.toml, as TOML: {"exclude", R"(["public.a"])"}.
  std::map<std::string, std::string> source_settings = {};
  std::string more_config = {};  // Lines after the source's.
};

class RotvHome {
 public:
  explicit RotvHome(RotvHomeOptions options);

  // Where the directories of homes are: with a tmpfs only if it has 4 GB free.
  static std::filesystem::path Parent(DataPlace place);

  PostgresServer& server() { return server_; }
  // Throws std::runtime_error if the source is reached without SSH.
  SshServer& ssh();
  SlowLink& slow_link();

  std::filesystem::path home() const { return directory_ / "home"; }
  std::filesystem::path config() const { return directory_ / "rotv.toml"; }
  const std::filesystem::path& directory() const { return directory_.path(); }

  // Writes rotv.toml again, with these lines of the source instead of the present ones; an empty value removes the
  // line.
  void Configure(const std::map<std::string, std::string>& source_settings);

  // The command `rotv-sync --home .. --config .. arguments`, to be started in the background. None of the user's
  // variables that concern PostgreSQL, SSH, AWS or rotv reaches it; its HOME is in directory().
  Command SyncCommand(const std::vector<std::string>& arguments) const;
  // The same for another program of ours.
  Command ProgramCommand(const std::string& binary, const std::vector<std::string>& arguments) const;
  // Runs the command and waits for its end.
  Result Sync(const std::vector<std::string>& arguments) const;
  // Throws std::runtime_error with all output, unless it ends with 0. Returns standard output.
  std::string MustSync(const std::vector<std::string>& arguments) const;

  // Runs `materialize` to a file of this name in directory(); returns its path. Two seeds of one state are the same
  // bytes: they contain no \restrict with its random key, unless `arguments` ask for it.
  std::filesystem::path Seed(const std::string& name = "seed.sql",
                             const std::vector<std::string>& arguments = {}) const;
  // Compares a new seed with the source, which must be at rest and pulled.
  void ExpectSeedIsDump(const OracleOptions& options = {}) const;

  // Our slots (temporary ones too) and publications on the source: "slot NAME", "publication NAME".
  std::vector<std::string> LeftOnSource() const;

 private:
  // The port of the slow link to this one, if there is one.
  int PortTo(int target_port);
  void WriteConfig() const;

  RotvHomeOptions options_;
  TempDir directory_;
  PostgresServer server_;
  std::unique_ptr<SshServer> ssh_;
  std::unique_ptr<SlowLink> slow_link_;
  std::map<std::string, std::string> source_;
};

}  // namespace rotv::testing
