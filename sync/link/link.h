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

#include "os/command.h"
#include "storage/interrupt.h"
#include "sync/context/source_config.h"

namespace rotv::link {

// What a person should hear of, though it works.
struct LinkWarning {
  std::string message;
  std::string fix;
};

class Link {
 public:
  virtual ~Link() = default;

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
  virtual os::CommandResult Run(const os::ProgramCall& command,
                                const std::function<void(std::string_view)>& on_stdout) = 0;

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

}  // namespace rotv::link
