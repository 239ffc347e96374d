#include "sync/remote/object_fetch.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <map>
#include <system_error>

#include "storage/atomic_file.h"
#include "storage/error.h"
#include "storage/free_space.h"
#include "sync/remote/segment_object.h"

// An object has its name from the moment on at which its file is whole. Nothing is synced: a file that a power loss has
// cut has another hash, and is read again.

namespace rotv::remote {
namespace {

namespace fs = std::filesystem;

// A request over a long way waits, most of the time.
constexpr size_t kThreads = 4;
constexpr std::string_view kPart = ".part";

std::string ReadWhole(RemotePlace& place, const proto::RemoteObject& object) {
  std::string content = place.ReadObject(NameOf(object), object.bytes());
  if (IsObject(object, content)) return content;
  throw Error(ErrorCode::kCorrupt, fmt::format("the object {} in {} is damaged", NameOf(object), place.description()),
              "remove it there and publish again, on the machine that follows the source");
}

bool HasSize(const fs::path& path, uint64_t bytes) {
  std::error_code error;
  return fs::is_regular_file(path, error) && fs::file_size(path, error) == bytes && !error;
}

}  // namespace

ObjectFetch::ObjectFetch(Request request, const Interrupt& interrupt)
    : request_(std::move(request)), interrupt_(interrupt), is_here_(request_.objects.size()) {
  UseWhatIsHere();
  RequireRoom();
  const auto missing = static_cast<size_t>(std::count(is_here_.begin(), is_here_.end(), false));
  for (size_t i = 0; i < std::min(kThreads, missing); ++i) threads_.emplace_back([this] { Work(); });
}

ObjectFetch::~ObjectFetch() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  for (std::thread& thread : threads_) thread.join();
}

void ObjectFetch::UseWhatIsHere() {
  if (mkdir(request_.directory.c_str(), S_IRWXU) != 0 && errno != EEXIST) {
    ThrowDiskError("make", request_.directory, errno);
  }
  std::map<std::string, size_t> wanted;
  for (size_t i = 0; i < request_.objects.size(); ++i) {
    const proto::RemoteObject& object = *request_.objects[i];
    first_.push_back(wanted.emplace(NameOf(object), i).first->second);
    is_here_[i] = HasSize(FileOf(object), object.bytes());
    if (is_here_[i] && first_[i] == i) found_bytes_ += object.bytes();
  }
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(request_.directory, error)) {
    if (wanted.count(entry.path().filename()) == 0) fs::remove_all(entry.path(), error);
  }
}

void ObjectFetch::RequireRoom() const {
  uint64_t bytes = 0;
  for (size_t i = 0; i < first_.size(); ++i) {
    if (first_[i] == i) bytes += request_.objects[i]->bytes();
  }
  RequireFreeSpace(request_.directory, bytes - found_bytes_ + bytes + bytes / 2);
}

void ObjectFetch::Work() {
  std::unique_lock lock(mutex_);
  while (!stopping_ && !failure_) {
    while (next_ < is_here_.size() && (is_here_[next_] || first_[next_] != next_)) ++next_;
    if (next_ == is_here_.size()) return;
    const size_t index = next_++;
    lock.unlock();
    std::exception_ptr failure;
    try {
      Read(*request_.objects[index]);
    } catch (...) {
      failure = std::current_exception();
    }
    lock.lock();
    if (failure && !failure_) failure_ = failure;
    if (!failure) {
      is_here_[index] = true;
      received_bytes_ += request_.objects[index]->bytes();
    }
    changed_.notify_all();
  }
}

void ObjectFetch::Read(const proto::RemoteObject& object) {
  const fs::path path = FileOf(object);
  fs::path part = path;
  part += kPart;
  WriteNewFile(part, ReadWhole(request_.place, object));
  std::error_code error;
  fs::rename(part, path, error);
  if (error) ThrowDiskError("rename", part, error.value());
}

std::string ObjectFetch::Next() {
  const proto::RemoteObject& object = *request_.objects[at_];
  {
    constexpr std::chrono::milliseconds kLook{200};
    std::unique_lock lock(mutex_);
    while (!is_here_[first_[at_]]) {
      if (failure_) std::rethrow_exception(failure_);
      interrupt_.Check();
      changed_.wait_for(lock, kLook);
    }
  }
  ++at_;
  std::string content = ReadFile(FileOf(object));
  if (IsObject(object, content)) return content;
  // A crash has left it, or somebody has changed it.
  content = ReadWhole(request_.place, object);
  const std::lock_guard lock(mutex_);
  received_bytes_ += content.size();
  return content;
}

uint64_t ObjectFetch::received_bytes() const {
  const std::lock_guard lock(mutex_);
  return received_bytes_;
}

fs::path ObjectFetch::FileOf(const proto::RemoteObject& object) const { return request_.directory / NameOf(object); }

}  // namespace rotv::remote
