// Follows the log of a starting application on a thread of its own, and keeps a copy of it.

#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <thread>

#include "cli/launch/runtime.h"
#include "cli/launch/startup_log.h"
#include "cli/output/progress_bar.h"
#include "storage/error.h"

namespace rotv::launch {

// The warm cluster of a start cannot be used; the message says why. The start has ended.
class WarmUnusable : public Error {
 public:
  explicit WarmUnusable(const std::string& why) : Error(ErrorCode::kCannotStart, why, "") {}
};

class StartupWatch {
 public:
  // Writes the log to `log_file` as it arrives, unless the runtime writes that file itself.
  StartupWatch(Runtime& runtime, std::filesystem::path log_file);
  ~StartupWatch();  // The application keeps running.
  StartupWatch(const StartupWatch&) = delete;
  StartupWatch& operator=(const StartupWatch&) = delete;

  StartupState State() const;

  // Waits until the seed is imported and the database answers, and shows the progress. Returns false if there is no
  // application to wait for. Throws what RequireAlive() throws, WarmUnusable, and kInterrupted.
  bool AwaitDatabase(output::ProgressBar& progress, const Interrupt& interrupt);

  // Throws kCannotStart if the entrypoint has reported an error or the application has ended. The message is the
  // entrypoint's, or else the last line that the application wrote.
  void RequireAlive();
  // The application's last lines, at most ten.
  std::vector<std::string> LastLines() const;

  const std::filesystem::path& log_file() const { return log_file_; }

 private:
  void Follow(const std::vector<std::string>& words, bool keep);
  bool HasEnded();

  Runtime& runtime_;
  const std::filesystem::path log_file_;
  mutable std::mutex mutex_;  // Guards log_.
  StartupLog log_;
  std::condition_variable fed_;
  std::atomic<uint64_t> pieces_{0};  // How many were fed.
  std::atomic<bool> log_ended_{false};
  std::chrono::steady_clock::time_point next_look_;
  Interrupt stop_;
  std::thread thread_;
};

}  // namespace rotv::launch
