#include "sync/link/tunnel_channel.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <utility>

namespace rotv::link {
namespace {

// A packet of this size or more is sent to the local socket at once. Smaller ones wait in libssh's buffer until all
// packets that came together are handled, so that a stream of small messages does not cost a system call each.
constexpr uint32_t kDirectBytes = 8 * 1024;

// What is kept of the output before a command begins: to find the begin in it, and to tell the user of it.
constexpr size_t kMostBeforeBegin = 4 * 1024;

// The numbers of the signals that SSH names (RFC 4254, 6.10).
int SignalNumber(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, int>, 13> kSignals = {{{"ABRT", SIGABRT},
                                                                          {"ALRM", SIGALRM},
                                                                          {"FPE", SIGFPE},
                                                                          {"HUP", SIGHUP},
                                                                          {"ILL", SIGILL},
                                                                          {"INT", SIGINT},
                                                                          {"KILL", SIGKILL},
                                                                          {"PIPE", SIGPIPE},
                                                                          {"QUIT", SIGQUIT},
                                                                          {"SEGV", SIGSEGV},
                                                                          {"TERM", SIGTERM},
                                                                          {"USR1", SIGUSR1},
                                                                          {"USR2", SIGUSR2}}};
  for (const auto& [known, number] : kSignals) {
    if (known == name) return number;
  }
  return 127;
}

}  // namespace

TunnelChannel::TunnelChannel(ssh_session session, ChannelSpec spec, FileDescriptor local)
    : session_(session), spec_(std::move(spec)), local_(std::move(local)), unsent_(spec_.first_bytes) {
  callbacks_.userdata = this;
  callbacks_.channel_data_function = OnData;
  callbacks_.channel_eof_function = OnEof;
  callbacks_.channel_close_function = OnClose;
  callbacks_.channel_exit_status_function = OnExitStatus;
  callbacks_.channel_exit_signal_function = OnExitSignal;
  ssh_callbacks_init(&callbacks_);
  StartChannel();
}

TunnelChannel::~TunnelChannel() { FreeChannel(); }

void TunnelChannel::StartChannel() {
  channel_ = ssh_channel_new(session_);
  if (channel_ == nullptr) {
    FailDestination(ssh_get_error(session_));
    return;
  }
  ssh_set_channel_callbacks(channel_, &callbacks_);
  ContinueOpening();
}

int TunnelChannel::OpenStep(const Destination& destination) {
  switch (destination.kind) {
    case Destination::Kind::kTcp:
      return ssh_channel_open_forward(channel_, destination.what.c_str(), destination.port, "127.0.0.1", 0);
    case Destination::Kind::kSocket:
      return ssh_channel_open_forward_unix(channel_, destination.what.c_str(), "127.0.0.1", 0);
    case Destination::Kind::kCommand:
      return ssh_channel_open_session(channel_);
  }
  return SSH_ERROR;
}

void TunnelChannel::ContinueOpening() {
  const Destination& destination = spec_.destinations[destination_];
  const int opened = OpenStep(destination);
  if (opened == SSH_AGAIN) return;
  if (opened != SSH_OK) {
    FailDestination(ssh_get_error(session_));
    return;
  }
  state_ = State::kOpen;
  end_.failure.clear();
  end_.refused.reset();
  if (spec_.on_open) spec_.on_open(destination);
  if (destination.kind != Destination::Kind::kCommand) return;
  if (!spec_.begins.empty()) before_begin_ = "";
  // Data need not wait for the answer to this request: sshd handles the request first.
  request_pending_ = true;
  ContinueRequest();
}

void TunnelChannel::ContinueRequest() {
  const int requested = ssh_channel_request_exec(channel_, spec_.destinations[destination_].what.c_str());
  if (requested == SSH_AGAIN) return;
  request_pending_ = false;
  if (requested != SSH_OK) FailDestination(ssh_get_error(session_));
}

void TunnelChannel::FailDestination(const std::string& why) {
  FreeChannel();
  end_.failure = why;
  end_.refused = spec_.destinations[destination_];
  if (destination_ + 1 == spec_.destinations.size()) {
    const bool refused =
        spec_.destinations[destination_].kind == Destination::Kind::kCommand && ssh_is_connected(session_);
    if (!refused || state_ != State::kOpening || !spec_.on_refused) return Finish();
    state_ = State::kFinished;
    spec_.on_refused(end_, std::move(local_));
    return;
  }
  ++destination_;
  state_ = State::kOpening;
  StartChannel();
}

// A socket that has hung up is always ready, so it is not polled any more. Its remaining data is read whenever the
// session has room, which wakes the pump too.
int TunnelChannel::fd() const { return finished() || hung_up_ ? -1 : local_.get(); }

bool TunnelChannel::WantsLocalData() const { return state_ == State::kOpen && !input_ended_ && unsent_.empty(); }

short TunnelChannel::PollEvents(bool session_can_write) const {
  short events = 0;
  if (WantsLocalData() && session_can_write && ssh_channel_window_size(channel_) > 0) events |= POLLIN;
  if (local_full_) events |= POLLOUT;
  return events;
}

void TunnelChannel::Advance(short revents, bool session_can_write, std::vector<char>& buffer) {
  if (state_ == State::kOpening) ContinueOpening();
  if (state_ == State::kOpen && request_pending_) ContinueRequest();
  if ((revents & (POLLHUP | POLLERR)) != 0) hung_up_ = true;
  if (state_ != State::kOpen) return;
  if ((revents & POLLOUT) != 0 || hung_up_) local_full_ = false;
  Drain();
  if (session_can_write) {
    SendUnsent();
    if (((revents & POLLIN) != 0 || hung_up_) && WantsLocalData()) ReadLocal(buffer);
  }
  PassEnds();
}

void TunnelChannel::Abort(const std::string& reason) {
  if (finished()) return;
  end_.failure = reason;
  end_.session_lost = true;
  FreeChannel();
  Finish();
}

int TunnelChannel::OnData(ssh_session, ssh_channel, void* data, uint32_t size, int is_stderr, void* self) {
  TunnelChannel& channel = *static_cast<TunnelChannel*>(self);
  if (is_stderr != 0) {
    channel.errors_.Append(std::string_view(static_cast<const char*>(data), size));
    return static_cast<int>(size);
  }
  if (channel.before_begin_) {
    channel.DropUntilBegin({static_cast<const char*>(data), size});
    return static_cast<int>(size);
  }
  const bool direct = size >= kDirectBytes && !channel.local_full_ && channel.sent_ == channel.pending_.size();
  const uint32_t taken = direct ? channel.SendLocal(static_cast<const char*>(data), size) : 0;
  channel.buffered_ = size - taken;
  return static_cast<int>(taken);
}

void TunnelChannel::OnEof(ssh_session, ssh_channel, void* self) {
  static_cast<TunnelChannel*>(self)->remote_eof_ = true;
}

void TunnelChannel::OnClose(ssh_session, ssh_channel, void* self) {
  static_cast<TunnelChannel*>(self)->remote_closed_ = true;
}

void TunnelChannel::OnExitStatus(ssh_session, ssh_channel, int status, void* self) {
  static_cast<TunnelChannel*>(self)->end_.exit_status = status;
}

void TunnelChannel::OnExitSignal(ssh_session, ssh_channel, const char* signal, int, const char*, const char*,
                                 void* self) {
  static_cast<TunnelChannel*>(self)->end_.exit_status = 128 + SignalNumber(signal);
}

void TunnelChannel::DropUntilBegin(std::string_view data) {
  std::string& before = *before_begin_;
  before.append(data);
  const size_t begin = before.find(spec_.begins);
  if (begin != std::string::npos) {
    pending_ = before.substr(begin + spec_.begins.size());
    before_begin_.reset();
  } else if (before.size() > 2 * kMostBeforeBegin) {
    before.erase(0, before.size() - kMostBeforeBegin);
  }
}

// Sends to the local socket what it takes. Returns the number of bytes that are consumed.
uint32_t TunnelChannel::SendLocal(const char* data, uint32_t size) {
  if (local_gone_) return size;
  const ssize_t taken = send(local_.get(), data, size, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (taken < 0) {
    local_full_ = errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
    local_gone_ = !local_full_;
    return local_gone_ ? size : 0;
  }
  local_full_ = static_cast<uint32_t>(taken) < size;
  if (end_.bytes_received == 0 && spec_.on_first_byte) spec_.on_first_byte();
  end_.bytes_received += static_cast<uint64_t>(taken);
  return static_cast<uint32_t>(taken);
}

void TunnelChannel::Drain() {
  while (!local_full_) {
    if (sent_ < pending_.size()) {
      sent_ += SendLocal(pending_.data() + sent_, static_cast<uint32_t>(pending_.size() - sent_));
      continue;
    }
    pending_.clear();
    sent_ = 0;
    if (buffered_ == 0) return;
    pending_.resize(buffered_);
    const int got = ssh_channel_read_timeout(channel_, pending_.data(), buffered_, 0, 0);
    buffered_ = 0;
    pending_.resize(static_cast<size_t>(std::max(got, 0)));
  }
}

void TunnelChannel::SendUnsent() {
  if (unsent_.empty() || ssh_channel_window_size(channel_) == 0) return;
  const std::string piece = std::exchange(unsent_, {});
  WriteRemote(piece.data(), piece.size());
}

void TunnelChannel::ReadLocal(std::vector<char>& buffer) {
  const size_t room = std::min<size_t>(buffer.size(), ssh_channel_window_size(channel_));
  if (room == 0) return;
  const ssize_t got = recv(local_.get(), buffer.data(), room, MSG_DONTWAIT);
  if (got > 0) {
    WriteRemote(buffer.data(), static_cast<size_t>(got));
  } else if (got == 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)) {
    input_ended_ = true;
  }
}

// libssh takes less than it is given during a key exchange: the rest waits in unsent_.
void TunnelChannel::WriteRemote(const char* data, size_t size) {
  const int written = ssh_channel_write(channel_, data, static_cast<uint32_t>(size));
  if (written < 0) {
    input_ended_ = true;  // The remote end has closed: OnClose has been or will be called.
  } else if (static_cast<size_t>(written) < size) {
    unsent_.assign(data + written, size - static_cast<size_t>(written));
  }
}

// Passes on half-closes in both directions, and ends the channel.
void TunnelChannel::PassEnds() {
  const bool input_done = input_ended_ && unsent_.empty();
  if (input_done && !input_end_sent_ && !remote_closed_) {
    ssh_channel_send_eof(channel_);
    input_end_sent_ = true;
  }
  // A command's exit status can come after the end of its output: its caller sees the end only when both are known.
  const bool is_command = spec_.destinations[destination_].kind == Destination::Kind::kCommand;
  if (remote_eof_ && Drained() && !output_ended_ && !is_command) {
    shutdown(local_.get(), SHUT_WR);
    output_ended_ = true;
  }
  if (remote_closed_ && Drained()) {
    Finish();
  } else if ((hung_up_ || local_gone_) && input_done) {
    Finish();  // No reader is left for the data that the remote end still sends.
  }
}

void TunnelChannel::FreeChannel() {
  if (channel_ == nullptr) return;
  ssh_remove_channel_callbacks(channel_, &callbacks_);
  // On a non-blocking session closing takes up to three calls (EOF, CLOSE, done), and free() makes only one.
  for (int i = 0; i < 3 && state_ == State::kOpen && ssh_is_connected(session_) != 0; ++i) {
    if (ssh_channel_close(channel_) != SSH_AGAIN) break;
  }
  ssh_channel_free(channel_);
  channel_ = nullptr;
}

void TunnelChannel::Finish() {
  FreeChannel();
  state_ = State::kFinished;
  end_.stderr_text = errors_.text();
  end_.not_begun = std::move(before_begin_);
  if (spec_.on_end) spec_.on_end(end_);
  local_ = FileDescriptor();
}

}  // namespace rotv::link
