// Link is how a source is reached: straight to the server, through SSH, or through SSH into a container. All that
// differs between these is behind this interface.

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

// A problem that the user should know of, although the link works.
struct LinkWarning {
  std::string message;
  std::string fix;
};

class Link {
 public:
  virtual ~Link() = default;

  // The libpq parameters that reach the server over this link: host, port, user, dbname, or those of the url. Each
  // connection made with them is a new one. They are valid as long as the link exists.
  virtual std::map<std::string, std::string> ConnectionParameters() = 0;

  // The warnings that are known once the link is open: a key file that is not used, a server that nothing proves.
  virtual std::vector<LinkWarning> Warnings() const { return {}; }

  // SourceConfig::stall_timeout_s.
  virtual std::chrono::milliseconds StallTimeout() const = 0;

  // The names and the port under which a pgpass file may have the server, if libpq cannot find it by itself.
  virtual std::vector<std::string> PasswordHosts() const { return {}; }
  virtual std::string PasswordPort() const { return ""; }

  // Runs a command beside the server: on the remote host, in the source's container there, or on this machine for a
  // url. Passes its standard output to `on_stdout`, which runs on the calling thread. Blocks until the command ends.
  // May be called by several threads. Throws kUnreachable if the link drops, and kInterrupted; a failing command is no
  // exception.
  virtual os::CommandResult Run(const os::ProgramCall& command,
                                const std::function<void(std::string_view)>& on_stdout) = 0;

  // The connection arguments of a pg_dump that Run() starts: -h, -p, -U, -d as seen from there.
  virtual std::vector<std::string> DumpArguments() = 0;

  // The reason why connections fail, if it is the link itself (the SSH session dropped, no such container, forwarding
  // refused); else empty.
  virtual std::string FailureReason() const = 0;

  // A description for messages: "root@db.example.org:22422, container rotv".
  virtual std::string Description() const = 0;

  // The bytes received and sent so far; 0 if they do not pass through the link.
  virtual uint64_t BytesReceived() const = 0;
  virtual uint64_t BytesSent() const = 0;
};

}  // namespace rotv::link
