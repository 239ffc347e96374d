#include "cli/launch/warm_receiver.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <chrono>
#include <utility>

#include "storage/atomic_file.h"
#include "storage/write_all.h"

namespace rotv::launch {
namespace {

constexpr int kPipeBytes = 1 << 20;  // What an ordinary user may have.
constexpr std::chrono::seconds kSilence{30};
constexpr std::chrono::milliseconds kPollStop{100};

// Waits until all is received, as long as something comes. Returns whether it is complete.
bool AwaitReceived(std::future<bool> received, const WarmWriter& writer, const Interrupt& interrupt) {
  uint64_t bytes = 0;
  auto last = std::chrono::steady_clock::now();
  while (received.wait_for(kPollStop) != std::future_status::ready) {
    interrupt.Check();
    const auto now = std::chrono::steady_clock::now();
    if (const uint64_t has = writer.received(); has != bytes) {
      bytes = has;
      last = now;
    }
    if (now - last > kSilence) return false;
  }
  return received.get();
}

}  // namespace

namespace fs = std::filesystem;

WarmReceiver::WarmReceiver(const WarmClusters& clusters, fs::path directory, SentBy sent_by,
                           const std::vector<WarmOffer>& offers)
    : clusters_(clusters), directory_(std::move(directory)) {
  fs::remove_all(directory_);  // Of a start that was killed.
  if (offers.empty()) return;
  fs::create_directories(directory_);
  fs::permissions(directory_, fs::perms::owner_all);
  for (const WarmOffer& offer : offers) {
    std::unique_ptr<WarmWriter> writer = clusters_.Begin(offer.bytes);
    if (!writer) continue;
    auto incoming = std::make_unique<Incoming>();
    incoming->offer = offer;
    incoming->writer = std::move(writer);
    const fs::path pipe = directory_ / offer.name;
    if (mkfifo(pipe.c_str(), S_IRUSR | S_IWUSR) != 0) continue;  // A file system without pipes: nothing is kept.
    incoming->pipe = FileDescriptor(open(pipe.c_str(), O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC));
    if (!incoming->pipe) ThrowDiskError("open", pipe, errno);
    // Where others want the processors, too, each turn between tar and us costs more than its bytes. It may be refused.
    fcntl(incoming->pipe.get(), F_SETPIPE_SZ, kPipeBytes);
    incoming_.push_back(std::move(incoming));
  }
  if (sent_by == SentBy::kFiles) OpenTaken();
  for (const std::unique_ptr<Incoming>& one : incoming_) {
    one->thread = std::thread([this, incoming = one.get()] { Read(incoming); });
  }
}

WarmReceiver::~WarmReceiver() {
  for (const std::unique_ptr<Incoming>& one : incoming_) {
    one->stop.Request();
    if (one->thread.joinable()) one->thread.join();
    if (one->published.valid()) one->published.wait();  // Exceptions are dropped here.
  }
  incoming_.clear();
  std::error_code ignored;
  fs::remove_all(directory_, ignored);
}

// Both ends are ours, so that neither opening nor writing waits. If this program ends, the pipe has an end.
void WarmReceiver::OpenTaken() {
  const fs::path pipe = directory_ / "taken";
  if (mkfifo(pipe.c_str(), S_IRUSR | S_IWUSR) != 0) return;  // Then all is sent.
  taken_ = FileDescriptor(open(pipe.c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC));
  if (!taken_) ThrowDiskError("open", pipe, errno);
}

void WarmReceiver::FilesAreIn(const fs::path& cluster) {
  const std::lock_guard lock(mutex_);
  files_ = cluster;
  is_known_.notify_all();
}

std::optional<fs::path> WarmReceiver::AwaitFiles(const Interrupt& stop) {
  std::unique_lock lock(mutex_);
  while (files_.empty() && !stop.requested()) is_known_.wait_for(lock, kPollStop);
  return files_.empty() ? std::nullopt : std::optional(files_);
}

void WarmReceiver::Read(Incoming* incoming) {
  bool is_complete = false;
  bool is_told = false;
  const auto tell = [&](const char* line) {
    if (taken_ && !is_told && incoming->offer.name == "state") WriteAll(taken_.get(), line);
    is_told = true;
  };
  try {
    is_complete = incoming->writer->Receive(
        incoming->pipe.get(), incoming->stop,
        [&]() -> std::optional<fs::path> {
          if (!taken_) return std::nullopt;
          return AwaitFiles(incoming->stop);
        },
        [&] { tell("ok\n"); });
  } catch (const Error&) {
    // It was stopped.
  }
  tell("failed\n");
  incoming->received.set_value(is_complete);
  DrainPipe(incoming->pipe.get(), incoming->stop);
}

void WarmReceiver::Keep(const std::map<std::string, std::string>& sends, const Interrupt& interrupt) {
  for (const std::unique_ptr<Incoming>& one : incoming_) {
    const auto found = sends.find(one->offer.name);
    if (found == sends.end() || !one->thread.joinable()) continue;
    const bool is_complete = AwaitReceived(one->received.get_future(), *one->writer, interrupt);
    one->stop.Request();
    one->thread.join();
    if (!is_complete) continue;
    one->published = std::async(std::launch::async, [this, incoming = one.get(), server = found->second] {
      incoming->writer->Publish(incoming->offer.purpose, incoming->offer.state, server);
      if (const CloneRecord record = incoming->writer->record(); !record.files.empty()) {
        WriteCloneRecord(files_, record);
      }
      clusters_.RemoveOlder(incoming->writer->id());
      clusters_.Trim();
    });
  }
}

std::map<std::string, std::string> WarmReceiver::Published() {
  std::map<std::string, std::string> ids;
  for (const std::unique_ptr<Incoming>& one : incoming_) {
    if (!one->published.valid()) continue;
    try {
      one->published.get();
      ids[one->offer.name] = one->writer->id();
    } catch (const Error&) {
      // It is not kept.
    }
  }
  return ids;
}

}  // namespace rotv::launch
