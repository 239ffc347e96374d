// Files on a remote host, as the SFTP of its SSH server gives them: version 3 of the protocol
// (draft-ietf-secsh-filexfer-02), with OpenSSH's extensions where the server has them; and small scripts there.

#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/interrupt.h"
#include "sync/link/ssh_session.h"

namespace rotv::link {

// Paths are absolute, or below the login's home directory. One thread at a time may use it. All functions throw
// kUnreachable if the link drops or the server is silent for longer than the stall timeout, kRefused if the server will
// not do what is asked, and kInterrupted.
class Sftp {
 public:
  // Connects, logs in and starts SFTP. Throws like SshSession::Connect() too.
  static std::unique_ptr<Sftp> Open(const SshOptions& options, const Interrupt& interrupt);
  virtual ~Sftp() = default;

  // "user@files.example.org:22"
  virtual const std::string& label() const = 0;

  struct Found {
    std::string name;  // Of List() alone.
    uint64_t bytes = 0;
    int64_t modified_s = 0;  // By the server's clock.
    uint32_t mode = 0;       // Permissions, without the type.
    bool is_file = false;
    bool is_directory = false;
  };
  // Follows symbolic links. Nullopt if there is nothing.
  virtual std::optional<Found> Find(const std::string& path) = 0;
  // Without "." and "..", and links not followed.
  virtual std::vector<Found> List(const std::string& path) = 0;

  // The whole file; nullopt if there is none. What is larger than `most` is read no further. Throws kCorrupt for a
  // directory.
  virtual std::optional<std::string> Read(const std::string& path, uint64_t most) = 0;
  // Replaces what is there. On the server's disk on return, where the server can promise that.
  virtual void Write(const std::string& path, std::string_view bytes, uint32_t mode) = 0;
  // Replaces `to`; where the server renames to nothing that is there, `to` is missing for a moment.
  virtual void Rename(const std::string& from, const std::string& to) = 0;
  // Does nothing if there is none.
  virtual void Remove(const std::string& path) = 0;
  // Sets the time of its last change.
  virtual void SetTime(const std::string& path, int64_t modified_s) = 0;
  // Runs a script by sh, whatever the login's shell is, and returns what it prints. Throws kRefused, with its messages
  // and `hint`, if it fails, or if the login runs no commands.
  virtual std::string RunScript(const std::string& script, const std::string& hint) = 0;
};

}  // namespace rotv::link
