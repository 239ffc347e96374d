// A real sshd for one test, on a free port of 127.0.0.1, with a host key and an authorized key of its own. Whoever runs
// the test logs in as himself; as root too. All functions throw std::runtime_error with sshd's words.

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
  std::vector<std::string> config_lines = {};           // Before ours: sshd takes the first value of a setting.
  std::vector<std::string> path_prefix = {};            // Directories in front of the PATH that sessions have.
  std::map<std::string, std::string> environment = {};  // What else sessions have.
  std::string key_passphrase = {};                      // Of the client's key.
};

class SshServer {
 public:
  // Listening on return.
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
  // Knows the host key, for port() and for every port given to TrustPort().
  std::filesystem::path known_hosts() const { return directory_ / "known_hosts"; }
  // "ssh-ed25519 AAAA…"
  std::string HostKey() const;

  // The same host key is expected behind this port of 127.0.0.1 too (a relay's).
  void TrustPort(int port);

  void Start();          // On the same port as before.
  void Stop();           // Listens no more; sessions end too.
  void KillSessions();   // Every session ends at once, as if its process had crashed; new ones are accepted.
  int Sessions() const;  // Connections that are open now, logged in or not.
  // A new host key, which known_hosts does not have. Restarts.
  void ReplaceHostKey();

  // OpenSSH's client with this key and this known_hosts, and nothing of the user's configuration.
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
