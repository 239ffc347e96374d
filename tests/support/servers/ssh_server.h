// A real sshd for one test, on a free port of 127.0.0.1, with a host key and an authorized key of its own. The test's
// user logs in under the same name, root too. All functions throw std::runtime_error with sshd's message.

#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/files/subprocess.h"
#include "tests/support/files/temp_dir.h"

namespace rotv::testing {

struct SshServerOptions {
  std::vector<std::string> config_lines = {};           // Come before ours: sshd takes the first value of a setting.
  std::vector<std::string> path_prefix = {};            // Directories before the PATH of sessions.
  std::map<std::string, std::string> environment = {};  // Further variables of sessions.
  std::string key_passphrase = {};                      // Passphrase of the client's key.
};

class SshServer {
 public:
  // Listens on return.
  explicit SshServer(SshServerOptions options = {});
  ~SshServer();
  SshServer(const SshServer&) = delete;
  SshServer& operator=(const SshServer&) = delete;

  int port() const { return port_; }
  std::string user() const { return user_; }
  // user@127.0.0.1:port
  std::string Destination() const;
  std::filesystem::path client_key() const { return directory_ / "client_key"; }
  std::filesystem::path authorized_keys() const { return directory_ / "authorized_keys"; }
  // Contains the host key for port() and for every port given to TrustPort().
  std::filesystem::path known_hosts() const { return directory_ / "known_hosts"; }
  // "ssh-ed25519 AAAA…"
  std::string HostKey() const;

  // Expects the same host key at this port of 127.0.0.1 too (a relay's).
  void TrustPort(int port);

  void Start();          // Uses the same port as before.
  void Stop();           // Stops listening; sessions end too.
  void KillSessions();   // Every session ends at once, as if its process had crashed; new ones are accepted.
  int Sessions() const;  // The number of connections that are open now, logged in or not.
  // A new host key, which known_hosts does not have. Restarts.
  void ReplaceHostKey();

  // OpenSSH's client with this key and this known_hosts, and without the user's configuration.
  Command ClientCommand(const std::vector<std::string>& arguments) const;

  std::string log() const;

 private:
  void MakeKey(const std::string& name, const std::string& passphrase) const;
  void WriteConfiguration() const;

  SshServerOptions options_;
  TempDir directory_;
  std::string user_;
  int port_ = 0;
  std::string old_log_;
  std::vector<int> trusted_ports_;
  std::unique_ptr<Process> process_;
};

}  // namespace rotv::testing
