// Tunnel carries connections and commands over one SSH session. One thread owns the session and everything on it; other
// threads hand it requests.

#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "storage/handle.h"
#include "sync/link/ssh_session.h"
#include "sync/link/tunnel_channel.h"

namespace rotv::link {

// Any thread may call any function. Callbacks of a ChannelSpec run on the tunnel's thread and must not wait.
class Tunnel {
 public:
  // A session counts as dead when it is silent for `stall_timeout` and its keepalives are unanswered.
  Tunnel(std::unique_ptr<SshSession> session, std::chrono::milliseconds stall_timeout);
  // Ends every channel (their on_end is called) and the session.
  ~Tunnel();
  Tunnel(const Tunnel&) = delete;
  Tunnel& operator=(const Tunnel&) = delete;

  // Makes a channel with `spec` for each connection that `listener`, a listening stream socket, accepts.
  void Listen(FileDescriptor listener, ChannelSpec spec);

  // Makes a channel whose local end is `local`. If the session is lost the channel ends at once, maybe before this
  // returns.
  void Attach(FileDescriptor local, ChannelSpec spec);

  // The reason why the session is lost; empty while it works.
  std::string Lost() const;

  uint64_t BytesReceived() const { return bytes_received_; }
  uint64_t BytesSent() const { return bytes_sent_; }

 private:
  class Pump;
  struct Request {
    FileDescriptor fd;
    ChannelSpec spec;
    bool listens = false;
  };

  void Submit(Request request);
  void Wake();
  void Main();

  std::unique_ptr<SshSession> session_;
  const std::chrono::milliseconds keepalive_interval_;
  FileDescriptor wake_;
  std::atomic<bool> stop_{false};
  std::atomic<uint64_t> bytes_received_{0};
  std::atomic<uint64_t> bytes_sent_{0};

  mutable std::mutex mutex_;
  std::vector<Request> requests_;  // Guarded by mutex_.
  std::string lost_;               // Guarded by mutex_.

  std::thread thread_;  // Last: it uses all of the above.
};

}  // namespace rotv::link
