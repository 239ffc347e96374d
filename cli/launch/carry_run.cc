#include "cli/launch/carry_run.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <string>
#include <system_error>
#include <utility>

#include "storage/atomic_file.h"
#include "storage/error.h"
#include "storage/write_all.h"

namespace rotv::launch {

CarryRun::CarryRun(const Context& context, const CarryRequest& request, std::filesystem::path pipe)
    : context_(context), pipe_path_(std::move(pipe)) {
  if (!pipe_path_.empty()) {
    std::error_code ignored;
    std::filesystem::remove(pipe_path_, ignored);  // Of a start that was killed.
    if (mkfifo(pipe_path_.c_str(), S_IRUSR | S_IWUSR) != 0) ThrowDiskError("make", pipe_path_, errno);
    // Both ends are ours, so that neither opening nor writing waits for the entrypoint.
    pipe_ = FileDescriptor(open(pipe_path_.c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC));
    if (!pipe_) ThrowDiskError("open", pipe_path_, errno);
  }
  thread_ = std::thread([this, request] { Run(request); });
}

CarryRun::~CarryRun() {
  stop_.Request();
  thread_.join();
  std::error_code ignored;
  if (!pipe_path_.empty()) std::filesystem::remove(pipe_path_, ignored);
}

void CarryRun::Run(CarryRequest request) {
  request.begun = [this](const history::ResolvedPoint& to) {
    const std::lock_guard lock(mutex_);
    to_ = to;
    changed_.notify_all();
  };
  CarryResult result;
  std::exception_ptr failure;
  std::string line = "ok";
  try {
    result = WriteCarry({context_.source, context_.home, context_.progress, stop_}, request);
    if (result.too_large) line = "unusable too much has changed";
  } catch (const std::exception& error) {
    failure = std::current_exception();
    line = fmt::format("unusable {}", error.what());
  }
  Tell(line);
  const std::lock_guard lock(mutex_);
  result_ = std::move(result);
  failure_ = failure;
  ended_ = true;
  changed_.notify_all();
}

void CarryRun::Tell(const std::string& line) {
  if (!pipe_) return;
  constexpr size_t kMost = 1000;  // A pipe takes as much without waiting for its reader.
  std::string text = line.substr(0, kMost);
  std::replace(text.begin(), text.end(), '\n', ' ');
  WriteAll(pipe_.get(), text + "\n");
}

void CarryRun::Await(const std::function<bool()>& what) {
  std::unique_lock lock(mutex_);
  while (!what()) {
    context_.interrupt.Check();
    changed_.wait_for(lock, std::chrono::milliseconds(Interrupt::kPollMs));
  }
}

std::optional<history::ResolvedPoint> CarryRun::AwaitBegin() {
  Await([this] { return to_ || ended_; });
  const std::lock_guard lock(mutex_);
  return to_;
}

const CarryResult& CarryRun::Finish() {
  Await([this] { return ended_; });
  if (failure_) std::rethrow_exception(failure_);
  return result_;
}

}  // namespace rotv::launch
