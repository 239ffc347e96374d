#include "sync/link/ssh_tunnels.h"

#include <utility>

#include "storage/error.h"

namespace rotv::link {

SshTunnels::SshTunnels(SshOptions options, const Interrupt& interrupt)
    : options_(std::move(options)), interrupt_(interrupt) {
  std::unique_ptr<SshSession> session = SshSession::Connect(options_, interrupt_);
  label_ = session->label();
  warnings_ = session->warnings();
  tunnels_.push_back({.tunnel = std::make_unique<Tunnel>(std::move(session), options_.stall_timeout)});
  first_ = tunnels_.front().tunnel.get();
  thread_ = std::thread([this] { Main(); });
}

SshTunnels::~SshTunnels() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  thread_.join();
  tunnels_.clear();  // Their callbacks use the rest.
  for (const Refused& refused : refused_) {
    if (refused.spec.on_end) refused.spec.on_end(refused.end);
  }
}

void SshTunnels::Listen(FileDescriptor listener, const ChannelSpec& spec) {
  first_->Listen(std::move(listener), Watched(spec, 0));
}

void SshTunnels::Attach(FileDescriptor local, const ChannelSpec& spec) {
  first_->Attach(std::move(local), Watched(spec, 0));
}

uint64_t SshTunnels::BytesReceived() const {
  const std::lock_guard lock(mutex_);
  uint64_t bytes = 0;
  for (const Carrier& carrier : tunnels_) bytes += carrier.tunnel->BytesReceived();
  return bytes;
}

uint64_t SshTunnels::BytesSent() const {
  const std::lock_guard lock(mutex_);
  uint64_t bytes = 0;
  for (const Carrier& carrier : tunnels_) bytes += carrier.tunnel->BytesSent();
  return bytes;
}

// The channel of `spec` in that tunnel: it notes that a command was opened, and comes here if one is refused.
ChannelSpec SshTunnels::Watched(const ChannelSpec& spec, size_t tunnel) {
  ChannelSpec watched = spec;
  watched.on_open = [this, spec, tunnel](const Destination& destination) {
    if (destination.kind == Destination::Kind::kCommand) {
      const std::lock_guard lock(mutex_);
      tunnels_[tunnel].has_run_a_command = true;
    }
    if (spec.on_open) spec.on_open(destination);
  };
  watched.on_refused = [this, spec, tunnel](const ChannelEnd& end, FileDescriptor local) {
    const std::lock_guard lock(mutex_);
    refused_.push_back({std::move(local), spec, end, tunnel});
    wake_.notify_all();
  };
  return watched;
}

// Connecting takes a while, which no tunnel's thread may wait for.
void SshTunnels::Main() {
  std::unique_lock lock(mutex_);
  while (!stop_) {
    if (refused_.empty()) {
      wake_.wait(lock);
      continue;
    }
    Refused refused = std::move(refused_.front());
    refused_.pop_front();
    lock.unlock();
    PassOn(std::move(refused));
    lock.lock();
  }
}

void SshTunnels::PassOn(Refused refused) {
  const size_t last = tunnels_.size() - 1;
  bool is_worth_it = refused.refused_by < last;
  if (!is_worth_it) {
    const std::lock_guard lock(mutex_);
    is_worth_it = tunnels_[last].has_run_a_command && tunnels_.size() < kMostTunnels;
  }
  try {
    if (is_worth_it && refused.refused_by == last) {
      auto tunnel = std::make_unique<Tunnel>(SshSession::Connect(options_, interrupt_), options_.stall_timeout);
      const std::lock_guard lock(mutex_);
      tunnels_.push_back({.tunnel = std::move(tunnel)});
    }
  } catch (const Error&) {
    is_worth_it = false;  // The refusal says more than why another connection could not be made.
  }
  if (is_worth_it) {
    const size_t tunnel = tunnels_.size() - 1;
    tunnels_[tunnel].tunnel->Attach(std::move(refused.local), Watched(refused.spec, tunnel));
  } else if (refused.spec.on_end) {
    refused.spec.on_end(refused.end);
  }
}

}  // namespace rotv::link
