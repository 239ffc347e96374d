// The way to a source: straight to the server, through SSH, or through SSH into a container. Everything that differs
// between these is behind this seam.

#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "storage/interrupt.h"
#include "sync/context/source_config.h"

namespace rotv {

struct RemoteCommand {
  std::vector<std::string> argv;           // Quoted for the far shell by the link.
  std::map<std::string, std::string> env;  // Never a password: this is seen in the far end's process list.
  std::string password;                    // Handed over on standard input as PGPASSWORD; empty: none.

  // Called at least every Interrupt::kPollMs while no output comes; what it throws ends the command. May be empty.
  std::function<void()> while_quiet = {};
};

// What a person should hear of, though it works.
struct LinkWarning {
  std::string message;
  std::string fix;
};

struct CommandResult {
  int exit_status = 0;      // As a shell's: 127 not found, 128+n killed by signal n.
  std::string stderr_text;  // The last 64 KiB.
};

class Link {
 public:
  virtual ~Link() = default;

  // Opens the way to `source`, with known_hosts check and login where it goes by SSH. `private_dir` exists, is 0700 and
  // ours; sockets are made in it and removed by the destructor. `interrupt` outlives the link.
  // Throws kRefused (unknown or changed host key, login refused, key needs a passphrase), kUnreachable (no such host,
  // connection refused, time-out), kUsage (bad `ssh` value, key file missing), kInterrupted.
  static std::unique_ptr<Link> Open(const SourceConfig& source, const std::string& private_dir,
                                    const Interrupt& interrupt);

  // libpq parameters that reach the server by this way: host, port, user, dbname, or those of the url. Each connection
  // made with them is a new one. Lasts as long as the link.
  virtual std::map<std::string, std::string> ConnectionParameters() = 0;

  // Known from the beginning: a key file that is not used, a server that nothing proves.
  virtual std::vector<LinkWarning> Warnings() const { return {}; }

  // SourceConfig::stall_timeout_s.
  virtual std::chrono::milliseconds StallTimeout() const = 0;

  // The names under which a pgpass file may know the server, where libpq cannot find it by itself.
  virtual std::vector<std::string> PasswordHosts() const { return {}; }
  virtual std::string PasswordPort() const { return ""; }

  // Runs a command beside the server (on the far end; in the container where one is named; here for a url) and gives
  // what it writes on standard output to `on_stdout`, called on the calling thread. Blocks until it ends. Safe to call
  // from several threads. Throws kUnreachable if the link drops, kInterrupted; a failing command is not an exception.
  virtual CommandResult Run(const RemoteCommand& command, const std::function<void(std::string_view)>& on_stdout) = 0;

  // pg_dump's connection arguments there: -h, -p, -U, -d as seen from where Run() runs.
  virtual std::vector<std::string> DumpArguments() = 0;

  // Why connections fail, if the link itself knows (the SSH session dropped, no such container, forwarding refused);
  // empty if it does not.
  virtual std::string FailureReason() const = 0;

  // For people: "root@db.example.org:22422, container rotv".
  virtual std::string Description() const = 0;

  // Bytes over the wire so far, both ways; 0 where the link does not carry them itself.
  virtual uint64_t BytesReceived() const = 0;
  virtual uint64_t BytesSent() const = 0;
};

}  // namespace rotv
