// Everything an end-to-end test needs, tied together: a source (a real PostgreSQL, behind a real sshd unless the way is
// direct), a home directory, a rotv.toml that names the one as seen from the other, and the real binary.
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
  kSshSocket,  // Through SSH to the server's socket directory on the far end.
  kSshTcp,     // Through SSH to 127.0.0.1 on the far end.
  kDirect,     // A url, no SSH.
};

struct RotvHomeOptions {
  std::string binary = {};  // ROTV_SYNC_BINARY in every test.
  Way way = Way::kSshSocket;
  PostgresOptions postgres = {};
  SshServerOptions ssh = {};
  std::optional<SlowLinkOptions> slow_link = {};  // Between the client and sshd; its target_port is filled in.
  TempDirName home_name = TempDirName::kPlain;
  // Over the source's lines in rotv.toml, as TOML: {"exclude", R"(["public.a"])"}.
  std::map<std::string, std::string> source_settings = {};
  std::string more_config = {};  // Behind them.
};

class RotvHome {
 public:
  explicit RotvHome(RotvHomeOptions options);

  PostgresServer& server() { return server_; }
  // Throws std::runtime_error if the way has none.
  SshServer& ssh();
  SlowLink& slow_link();

  std::filesystem::path home() const { return directory_ / "home"; }
  std::filesystem::path config() const { return directory_ / "rotv.toml"; }
  const std::filesystem::path& directory() const { return directory_.path(); }

  // Writes rotv.toml again, with these lines of the source in place of the present ones; an empty value drops the line.
  void Configure(const std::map<std::string, std::string>& source_settings);

  // The command `rotv-sync --home .. --config .. arguments`, to be started in the background. No variable of the
  // user's that concerns PostgreSQL, SSH or rotv reaches it; its HOME is in directory().
  Command SyncCommand(const std::vector<std::string>& arguments) const;
  // The same for another program of ours.
  Command ProgramCommand(const std::string& binary, const std::vector<std::string>& arguments) const;
  // Runs it to its end.
  Result Sync(const std::vector<std::string>& arguments) const;
  // Throws std::runtime_error with all that was written, unless it ends with 0. Returns standard output.
  std::string MustSync(const std::vector<std::string>& arguments) const;

  // `materialize` to a file of this name in directory(); returns its path. Two seeds of one state are the same bytes:
  // there is no \restrict with its random key in them, unless `arguments` ask for it.
  std::filesystem::path Seed(const std::string& name = "seed.sql",
                             const std::vector<std::string>& arguments = {}) const;
  // The seed of now against the source, which must be at rest and pulled.
  void ExpectSeedIsDump(const OracleOptions& options = {}) const;

  // What of ours is on the source: slots (temporary ones too) and publications, "slot NAME", "publication NAME".
  std::vector<std::string> LeftOnSource() const;

 private:
  void WriteConfig() const;

  RotvHomeOptions options_;
  TempDir directory_;
  PostgresServer server_;
  std::unique_ptr<SshServer> ssh_;
  std::unique_ptr<SlowLink> slow_link_;
  std::map<std::string, std::string> source_;
};

}  // namespace rotv::testing
