// SshTunnels carries connections and commands to a remote host over as many SSH connections as sshd wants: mostly one.
// sshd limits the commands on each (MaxSessions, by default 10), and a relay into a container is a command.

#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "storage/handle.h"
#include "storage/interrupt.h"
#include "sync/link/ssh_session.h"
#include "sync/link/tunnel.h"

namespace rotv::link {

// Any thread may call any function. Callbacks of a ChannelSpec run on a thread of this object's, and must not wait.
class SshTunnels {
 public:
  // Opens the first connection. Throws like SshSession::Connect(). `interrupt` outlives this object.
  SshTunnels(SshOptions options, const Interrupt& interrupt);
  // Ends every channel and every connection.
  ~SshTunnels();
  SshTunnels(const SshTunnels&) = delete;
  SshTunnels& operator=(const SshTunnels&) = delete;

  // Like Tunnel's. A command that one connection refuses goes to another, which is made for it, unless that one has
  // never run a command either.
  void Listen(FileDescriptor listener, const ChannelSpec& spec);
  void Attach(FileDescriptor local, const ChannelSpec& spec);

  // The reason why the first connection is lost; empty while it works.
  std::string Lost() const { return first_->Lost(); }

  uint64_t BytesReceived() const;
  uint64_t BytesSent() const;

  const std::string& label() const { return label_; }
  const std::vector<std::string>& warnings() const { return warnings_; }

 private:
  static constexpr size_t kMostTunnels = 16;

  struct Carrier {
    std::unique_ptr<Tunnel> tunnel;
    bool has_run_a_command = false;  // Guarded by mutex_.
  };
  // A channel that tunnels_[refused_by] did not open.
  struct Refused {
    FileDescriptor local;
    ChannelSpec spec;
    ChannelEnd end;
    size_t refused_by = 0;
  };

  ChannelSpec Watched(const ChannelSpec& spec, size_t tunnel);
  void Main();
  // Attaches it to another tunnel, or ends it.
  void PassOn(Refused refused);

  const SshOptions options_;
  const Interrupt& interrupt_;
  std::string label_;
  std::vector<std::string> warnings_;

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Refused> refused_;  // Guarded by mutex_.
  bool stop_ = false;            // Guarded by mutex_.

  // Grows under mutex_, by thread_ alone; an entry stays as it is.
  std::deque<Carrier> tunnels_;
  Tunnel* first_ = nullptr;
  std::thread thread_;  // Last: it uses all of the above.
};

}  // namespace rotv::link
