#include "sync/capture/store_writer.h"

#include <chrono>

namespace rotv::capture {
namespace {

// One job is being written and one waits while a third is being filled. Each holds some 20 MB.
constexpr size_t kMostJobs = 2;

}  // namespace

StoreWriter::StoreWriter(RowStore& store)
    : store_(store), durable_lsn_(store.state().durable_lsn()), thread_([this] { Run(); }) {}

StoreWriter::~StoreWriter() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void StoreWriter::Run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stop_ || !jobs_.empty(); });
    if (stop_) return;
    const Job& job = jobs_.front();  // A deque's elements stay where they are while others are added at its end.
    lock.unlock();
    std::exception_ptr error;
    try {
      if (job.versions != nullptr) store_.Write(*job.versions);
      if (!job.log.empty()) store_.WriteLog(job.log);
      if (job.publication) store_.Publish(job.publication->state, job.publication->addition);
    } catch (...) {
      error = std::current_exception();
    }
    lock.lock();
    if (job.publication && !error) durable_lsn_ = job.publication->state.durable_lsn();
    jobs_.pop_front();
    if (error) {
      error_ = error;
      stop_ = true;
    }
    changed_.notify_all();
  }
}

void StoreWriter::Rethrow() {
  if (error_) std::rethrow_exception(error_);
}

bool StoreWriter::TrySubmit(Job* job) {
  std::lock_guard lock(mutex_);
  Rethrow();
  if (jobs_.size() >= kMostJobs) return false;
  jobs_.push_back(std::move(*job));
  changed_.notify_all();
  return true;
}

void StoreWriter::WaitForRoom(int timeout_ms) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, std::chrono::milliseconds(timeout_ms), [this] { return stop_ || jobs_.size() < kMostJobs; });
  Rethrow();
}

void StoreWriter::Drain() {
  while (!DrainFor(1000)) {
  }
}

bool StoreWriter::DrainFor(int timeout_ms) {
  std::unique_lock lock(mutex_);
  bool done = changed_.wait_for(lock, std::chrono::milliseconds(timeout_ms), [this] { return stop_ || jobs_.empty(); });
  Rethrow();
  return done;
}

Lsn StoreWriter::durable_lsn() {
  std::lock_guard lock(mutex_);
  Rethrow();
  return durable_lsn_;
}

std::optional<VersionBuffer::Found> StoreWriter::Newest(std::string_view row_prefix, std::string* storage) {
  std::vector<std::shared_ptr<const VersionBuffer>> under_way;
  {
    std::lock_guard lock(mutex_);
    Rethrow();
    for (auto job = jobs_.rbegin(); job != jobs_.rend(); ++job) {
      if (job->versions != nullptr) under_way.push_back(job->versions);
    }
  }
  std::optional<VersionBuffer::Found> newest;
  auto take = [&](const VersionBuffer::Found& found) {  // Returns true if older versions do not matter.
    if (!newest) {
      newest = found;
      storage->assign(found.version.text);
    } else if (found.version.kind == RowVersion::Kind::kTombstone) {
      return true;
    } else if (store_.shapes().FillUnchanged(newest->version.shape, storage, found.version)) {
      newest->version.kind = RowVersion::Kind::kRow;
    }
    newest->version.text = *storage;
    return newest->version.kind != RowVersion::Kind::kPartial;
  };
  for (const auto& versions : under_way) {
    for (const VersionBuffer::Found& found : versions->Versions(row_prefix)) {
      if (take(found)) return newest;
    }
  }
  std::string stored_bytes;
  if (std::optional<VersionBuffer::Found> stored = store_.Newest(row_prefix, &stored_bytes)) take(*stored);
  return newest;
}

}  // namespace rotv::capture
