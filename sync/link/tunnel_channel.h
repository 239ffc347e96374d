// One SSH channel and the local socket at its near end. Used by the tunnel's pump thread only.

#pragma once

#include <libssh/callbacks.h>
#include <libssh/libssh.h>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "os/tail_buffer.h"
#include "storage/handle.h"

namespace rotv::link {

// Where a channel ends on the far side.
struct Destination {
  enum class Kind { kTcp, kSocket, kCommand };
  Kind kind = Kind::kTcp;
  std::string what;  // Host; path of a socket; command line.
  int port = 0;      // kTcp only.
};

// How a channel ended.
struct ChannelEnd {
  std::optional<Destination> refused;  // The last destination whose opening failed, if none could be opened.
  std::string failure;                 // libssh's or sshd's words for that, or why the session broke; else empty.
  bool session_lost = false;
  std::optional<int> exit_status;  // Of a command; 128+n if killed by signal n; none if the far end did not say.
  std::string stderr_text;         // Of a command: the last 64 KiB.
  uint64_t bytes_received = 0;     // On standard output, or by the connection.
};

struct ChannelSpec {
  std::vector<Destination> destinations;          // Tried in turn until one opens.
  std::string first_bytes;                        // Sent before anything that the local socket brings.
  bool input_ends_there = false;                  // Nothing but first_bytes is sent.
  std::function<void()> on_first_byte;            // The far end has answered. May be empty.
  std::function<void(const ChannelEnd&)> on_end;  // Called once, before the local socket closes. May be empty.
};

class TunnelChannel {
 public:
  // `local` is a stream socket whose other end somebody else holds.
  TunnelChannel(ssh_session session, ChannelSpec spec, FileDescriptor local);
  ~TunnelChannel();
  TunnelChannel(const TunnelChannel&) = delete;
  TunnelChannel& operator=(const TunnelChannel&) = delete;

  // What to poll() the local socket for; -1 as fd() where there is nothing to wait for.
  int fd() const;
  short PollEvents(bool session_can_write) const;

  // Moves what can be moved after poll() and after the session's packets were handled. `buffer` is scratch space.
  void Advance(short revents, bool session_can_write, std::vector<char>& buffer);

  // The session is gone: ends the channel without touching it.
  void Abort(const std::string& reason);

  bool finished() const { return state_ == State::kFinished; }

 private:
  enum class State { kOpening, kOpen, kFinished };

  static int OnData(ssh_session, ssh_channel, void* data, uint32_t size, int is_stderr, void* self);
  static void OnEof(ssh_session, ssh_channel, void* self);
  static void OnClose(ssh_session, ssh_channel, void* self);
  static void OnExitStatus(ssh_session, ssh_channel, int status, void* self);
  static void OnExitSignal(ssh_session, ssh_channel, const char* signal, int core, const char* message,
                           const char* language, void* self);

  void StartChannel();
  void ContinueOpening();
  int OpenStep(const Destination& destination);
  void ContinueRequest();
  void FailDestination(const std::string& why);
  uint32_t SendLocal(const char* data, uint32_t size);
  void Drain();
  void SendUnsent();
  void ReadLocal(std::vector<char>& buffer);
  void WriteRemote(const char* data, size_t size);
  void PassEnds();
  void FreeChannel();
  void Finish();
  bool Drained() const { return buffered_ == 0 && sent_ == pending_.size(); }
  bool WantsLocalData() const;

  ssh_session session_;
  ChannelSpec spec_;
  FileDescriptor local_;
  ssh_channel channel_ = nullptr;
  ssh_channel_callbacks_struct callbacks_{};
  State state_ = State::kOpening;
  size_t destination_ = 0;

  // A command's exec request was sent and its answer has not come.
  bool request_pending_ = false;

  // Toward the local socket. What it does not take stays in libssh's buffer, so that the channel's window closes; only
  // all of that at once moves to pending_, because libssh opens the window again with every read.
  std::string pending_;
  size_t sent_ = 0;        // Of pending_.
  uint32_t buffered_ = 0;  // In libssh's buffer.
  bool local_full_ = false;
  bool local_gone_ = false;    // Writing to it failed: nobody reads there any more.
  bool hung_up_ = false;       // Its other end is closed; what it wrote before can still be read.
  bool output_ended_ = false;  // The far end's EOF was passed on.

  // Toward the far end.
  std::string unsent_;        // Read from the local socket, or first_bytes, and not yet taken by libssh.
  bool input_ended_ = false;  // The local socket's EOF was seen.
  bool input_end_sent_ = false;

  bool remote_eof_ = false;
  bool remote_closed_ = false;
  os::TailBuffer errors_;
  ChannelEnd end_;
};

}  // namespace rotv::link
