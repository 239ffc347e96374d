#include "sync/remote/step_intake.h"

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <vector>

#include "sync/remote/row_intake.h"
#include "sync/remote/segment_object.h"

// Each thread takes the next object, unpacks it, waits for its turn to have all but the rows written, in order, and
// then has the rows checked, sorted and written beside the other threads. Rows need no order: their keys say where and
// when they belong.

namespace rotv::remote {
namespace {

// Each has a segment, what it is made of, and the rows of it that are written: some 35 MB.
constexpr size_t kMostThreads = 2;
// For less, a second thread costs more than it brings: it writes runs of its own.
constexpr uint64_t kBytesOfThread = uint64_t{12} << 20;

class StepIntake {
 public:
  StepIntake(const StepIntakeRequest& request, Progress& progress) : request_(request), progress_(progress) {
    for (const proto::RemoteStep* step : request.steps) {
      for (const proto::RemoteObject& object : step->objects()) {
        parts_.push_back({step, &object});
        raw_bytes_ += object.raw_bytes();
      }
    }
  }

  uint64_t Run() {
    const uint64_t worth = std::min<uint64_t>(kMostThreads, raw_bytes_ / kBytesOfThread + 1);
    const size_t count = std::min<uint64_t>(request_.threads > 0 ? request_.threads : worth, parts_.size());
    std::vector<std::thread> threads;
    threads.reserve(count);
    try {
      for (size_t i = 1; i < count; ++i) threads.emplace_back([this] { Work(); });
    } catch (const std::system_error&) {
      // A limit of threads or processes: those that there are do it.
    }
    Work();
    for (std::thread& thread : threads) thread.join();
    if (failure_) std::rethrow_exception(failure_);
    return versions_;
  }

 private:
  struct Part {
    const proto::RemoteStep* step;
    const proto::RemoteObject* object;
  };

  void Work() {
    try {
      RowIntake rows(request_.store, request_.reader.epochs());
      while (TakePart(&rows)) {
      }
      rows.Flush();
      const std::lock_guard lock(mutex_);
      versions_ += rows.versions();
    } catch (...) {
      const std::lock_guard lock(mutex_);
      if (!failure_) failure_ = std::current_exception();
      changed_.notify_all();
    }
  }

  // Returns false if there is none, or if another thread has failed.
  bool TakePart(RowIntake* rows) {
    size_t index = 0;
    std::string bytes;
    {
      const std::lock_guard lock(fetch_mutex_);
      if (next_ == parts_.size() || HasFailed()) return false;
      index = next_;
      bytes = request_.fetch.Next();
      ++next_;
    }
    const UnpackedSegment segment = UnpackSegment(*parts_[index].object, bytes, request_.place, request_.key);
    bytes = std::string();
    const std::optional<RowBounds> bounds = TakeDescriptions(index, segment);
    if (!bounds) return false;
    rows->Take(segment, *bounds);
    const std::lock_guard lock(mutex_);
    progress_.Update(taken_bytes_ += parts_[index].object->bytes());
    return true;
  }

  // Waits until those of all parts before are taken. Returns nullopt if another thread has failed.
  std::optional<RowBounds> TakeDescriptions(size_t index, const UnpackedSegment& segment) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return turn_ == index || failure_ != nullptr; });
    if (failure_) return std::nullopt;
    const proto::RemoteStep* step = parts_[index].step;
    for (; begun_ < request_.steps.size() && (begun_ == 0 || request_.steps[begun_ - 1] != step); ++begun_) {
      request_.reader.Begin(*request_.steps[begun_]);
    }
    RowBounds bounds = request_.reader.Take(segment);
    ++turn_;
    changed_.notify_all();
    return bounds;
  }

  bool HasFailed() {
    const std::lock_guard lock(mutex_);
    return failure_ != nullptr;
  }

  const StepIntakeRequest& request_;
  Progress& progress_;
  std::vector<Part> parts_;
  uint64_t raw_bytes_ = 0;

  std::mutex fetch_mutex_;  // Held while the next object is waited for.
  size_t next_ = 0;

  std::mutex mutex_;  // Of all that follows, and of the reader.
  std::condition_variable changed_;
  size_t turn_ = 0;   // The part of which all but the rows is written next.
  size_t begun_ = 0;  // Steps.
  uint64_t taken_bytes_ = 0;
  uint64_t versions_ = 0;
  std::exception_ptr failure_;
};

}  // namespace

uint64_t TakeSteps(const StepIntakeRequest& request, Progress& progress) { return StepIntake(request, progress).Run(); }

}  // namespace rotv::remote
