// TunnelChannel is one SSH channel and the local socket that it is connected to. Only the tunnel's thread uses it.

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

// Destination is the remote end of a channel.
struct Destination {
  enum class Kind { kTcp, kSocket, kCommand };
  Kind kind = Kind::kTcp;
  std::string what;  // Host; path of a socket; command line.
  int port = 0;      // kTcp only.
};

// ChannelEnd says how a channel ended.
struct ChannelEnd {
  std::optional<Destination> refused;  // The last destination whose opening failed, if none could be opened.
  std::string failure;                 // libssh's or sshd's message for that, or why the session broke; else empty.
  bool session_lost = false;
  // What a command printed in place of ChannelSpec::begins, its last 4 KiB; nullopt if it has begun, or need not.
  std::optional<std::string> not_begun;
  std::optional<int> exit_status;  // A command's; 128+n if killed by signal n; nullopt if the remote host sent none.
  std::string stderr_text;         // A command's last 64 KiB.
  uint64_t bytes_received = 0;     // From standard output, or from the connection.
};

struct ChannelSpec {
  std::vector<Destination> destinations;  // Tried in turn until one opens.
  std::string first_bytes;                // Sent before any data of the local socket.
  std::string begins;                     // A command's output up to the end of this text is dropped.
  // Called when a destination has opened. May be empty.
  std::function<void(const Destination&)> on_open;
  std::function<void()> on_first_byte;  // Called when the remote end has answered. May be empty.
  // Called instead of on_end, with the local socket, if the session works but refuses to open the last destination,
  // which is a command. May be empty.
  std::function<void(const ChannelEnd&, FileDescriptor)> on_refused;
  std::function<void(const ChannelEnd&)> on_end;  // Called once, before the local socket closes. May be empty.
};

class TunnelChannel {
 public:
  // `local` is a stream socket; its peer is libpq or the caller of a command.
  TunnelChannel(ssh_session session, ChannelSpec spec, FileDescriptor local);
  ~TunnelChannel();
  TunnelChannel(const TunnelChannel&) = delete;
  TunnelChannel& operator=(const TunnelChannel&) = delete;

  // The local socket and the events to poll() it for; fd() is -1 if there is nothing to wait for.
  int fd() const;
  short PollEvents(bool session_can_write) const;

  // Moves the data that can be moved, after poll() and after the session's packets were handled. `buffer` is scratch
  // space.
  void Advance(short revents, bool session_can_write, std::vector<char>& buffer);

  // Ends the channel without touching the session, which is lost.
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
  void DropUntilBegin(std::string_view data);
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

  // A command's exec request was sent, and its answer has not come.
  bool request_pending_ = false;

  // What was printed before spec_.begins; nullopt once that was found, or if the destination is no command.
  std::optional<std::string> before_begin_;

  // The direction to the local socket. Data that it does not take stays in libssh's buffer, so that the channel's
  // window closes. That buffer moves to pending_ only as a whole, because libssh opens the window again with every
  // read.
  std::string pending_;
  size_t sent_ = 0;        // Bytes of pending_ that were sent.
  uint32_t buffered_ = 0;  // Bytes in libssh's buffer.
  bool local_full_ = false;
  bool local_gone_ = false;    // Writing to it failed: its peer no longer reads.
  bool hung_up_ = false;       // Its peer has closed; data that the peer wrote before can still be read.
  bool output_ended_ = false;  // The remote EOF was passed on.

  // The direction to the remote end.
  std::string unsent_;        // Read from the local socket, or first_bytes; not yet taken by libssh.
  bool input_ended_ = false;  // The local socket's EOF was seen.
  bool input_end_sent_ = false;

  bool remote_eof_ = false;
  bool remote_closed_ = false;
  os::TailBuffer errors_;
  ChannelEnd end_;
};

}  // namespace rotv::link
