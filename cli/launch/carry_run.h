// Writes the difference between a warm cluster and the wanted state on a thread of its own, while the cluster is copied
// and its server starts.

#pragma once

#include <condition_variable>
#include <exception>
#include <filesystem>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

#include "storage/handle.h"
#include "storage/interrupt.h"
#include "sync/carry.h"

namespace rotv::launch {

// What it refers to outlives the object, and one thread uses it.
class CarryRun {
 public:
  // Begins. If `pipe` is not empty, a named pipe is made there, which has one line when the file is complete
  // (entrypoint/warm.sh reads it): `ok`, or `unusable REASON`. If this program ends before, the pipe has nothing, and
  // an end. Throws kDisk.
  CarryRun(const Context& context, const CarryRequest& request, std::filesystem::path pipe);
  ~CarryRun();  // Stops it; removes the pipe.
  CarryRun(const CarryRun&) = delete;
  CarryRun& operator=(const CarryRun&) = delete;

  // Waits until it is known that the cluster can be carried: the file is there then, and perhaps not complete. Returns
  // the point to which, or nothing if Finish() has another answer. Throws kInterrupted.
  std::optional<history::ResolvedPoint> AwaitBegin();
  // Waits for the end. Throws what WriteCarry() throws.
  const CarryResult& Finish();

 private:
  void Run(CarryRequest request);
  void Tell(const std::string& line);
  void Await(const std::function<bool()>& what);

  const Context& context_;
  Interrupt stop_;
  const std::filesystem::path pipe_path_;
  FileDescriptor pipe_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<history::ResolvedPoint> to_;
  CarryResult result_;
  std::exception_ptr failure_;
  bool ended_ = false;
  std::thread thread_;
};

}  // namespace rotv::launch
