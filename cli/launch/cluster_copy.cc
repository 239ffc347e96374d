#include "cli/launch/cluster_copy.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include "storage/atomic_file.h"
#include "storage/error.h"
#include "storage/file_checksum.h"
#include "storage/write_all.h"

namespace rotv::launch {
namespace {

namespace fs = std::filesystem;

// Fits into the processor's cache, where the checksum finds what was read.
constexpr size_t kBufferBytes = size_t{256} << 10;

// To memory two processors copy almost twice as much as one; more than four have nothing to gain.
constexpr size_t kMostThreads = 4;

std::string DirectoryOf(const std::string& name) { return fs::path(name).parent_path(); }

}  // namespace

ClusterCopy::ClusterCopy(ClusterCopyRequest request, const std::string& marker) : request_(std::move(request)) {
  constexpr mode_t kItsOwn = 0600;
  MakeDirectories(marker);
  if (mkfifo(request_.pipe.c_str(), kItsOwn) != 0) ThrowDiskError("make", request_.pipe, errno);
  // Both ends are ours, so that neither opening nor writing waits for the entrypoint.
  pipe_ = FileDescriptor(open(request_.pipe.c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC));
  // The entrypoint opens it for both, too: to open it for reading alone would wait for us, also where we were killed.
  if (!pipe_ || (geteuid() == 0 && fchown(pipe_.get(), request_.owner, request_.group) != 0)) {
    ThrowDiskError("open", request_.pipe, errno);
  }
  for (const WarmFile& file : request_.files) {
    if (!file.is_directory) queue_.push_back(&file);
  }
  std::stable_sort(queue_.begin(), queue_.end(), [](const auto* a, const auto* b) { return a->bytes > b->bytes; });
  working_ = std::clamp<size_t>(std::thread::hardware_concurrency(), 1, kMostThreads);
  for (size_t count = working_; count > 0; --count) threads_.emplace_back([this] { Work(); });
}

ClusterCopy::~ClusterCopy() {
  stop_.Request();
  for (std::thread& thread : threads_) thread.join();
}

void ClusterCopy::MakeDirectories(const std::string& marker) {
  if (mkdir(request_.to.c_str(), S_IRWXU) != 0) ThrowDiskError("make", request_.to, errno);
  FileDescriptor top(open(request_.to.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!top) ThrowDiskError("open", request_.to, errno);
  directories_[""] = std::move(top);
  for (const WarmFile& file : request_.files) {  // A directory comes before what is in it.
    if (!file.is_directory) continue;
    const auto parent = directories_.find(DirectoryOf(file.name));
    const std::string last = fs::path(file.name).filename();
    if (parent == directories_.end() || mkdirat(parent->second.get(), last.c_str(), S_IRWXU) != 0) {
      ThrowDiskError("make", request_.to / file.name, errno);
    }
    FileDescriptor made(openat(parent->second.get(), last.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!made) ThrowDiskError("open", request_.to / file.name, errno);
    directories_[file.name] = std::move(made);
  }
  if (!Create(marker)) ThrowDiskError("make", request_.to / marker, errno);
  if (geteuid() != 0) return;
  for (const auto& [name, directory] : directories_) {
    if (fchown(directory.get(), request_.owner, request_.group) != 0) ThrowDiskError("make", request_.to / name, errno);
  }
}

// Empty if that failed; errno says why.
FileDescriptor ClusterCopy::Create(const std::string& name) const {
  const auto directory = directories_.find(DirectoryOf(name));
  if (directory == directories_.end()) {
    errno = ENOENT;
    return {};
  }
  const std::string last = fs::path(name).filename();
  FileDescriptor file(openat(directory->second.get(), last.c_str(),
                             O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR));
  if (file && geteuid() == 0 && fchown(file.get(), request_.owner, request_.group) != 0) return {};
  return file;
}

void ClusterCopy::Work() {
  std::vector<char> buffer(kBufferBytes);
  try {
    while (!failed_) {
      const size_t turn = next_++;
      if (turn >= queue_.size()) break;
      Copy(*queue_[turn], &buffer);
    }
  } catch (const Error& error) {
    // It was stopped: nobody waits for the line.
    Fail(std::string("unusable ") + error.what());
  }
  if (--working_ == 0) Tell();
}

void ClusterCopy::Copy(const WarmFile& file, std::vector<char>* buffer) {
  const fs::path path = request_.from / file.name;
  const FileDescriptor from(open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!from) return Fail(fmt::format("unusable {} cannot be read: {}", file.name, std::strerror(errno)));
  const FileDescriptor to = Create(file.name);
  const auto cannot_write = [&] {
    const int problem = errno;
    Fail(fmt::format("{} {} cannot be copied: {}", problem == ENOSPC ? "full" : "unusable", file.name,
                     std::strerror(problem)));
  };
  if (!to) return cannot_write();
  if (file.bytes > 0 && ioctl(to.get(), FICLONE, from.get()) == 0) return;
  FileChecksum checksum;
  while (true) {
    stop_.Check();
    const ssize_t got = read(from.get(), buffer->data(), buffer->size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Fail(fmt::format("unusable {} cannot be read: {}", file.name, std::strerror(errno)));
    if (got == 0) break;
    const std::string_view piece(buffer->data(), static_cast<size_t>(got));
    checksum.Add(piece);
    errno = WriteAll(to.get(), piece);
    if (errno != 0) return cannot_write();
  }
  if (ChecksumText(checksum.value()) != file.sum) Fail(fmt::format("unusable the bytes of {} have changed", file.name));
}

void ClusterCopy::Fail(const std::string& line) {
  const std::lock_guard lock(mutex_);
  if (failure_.empty()) failure_ = line;
  failed_ = true;
}

void ClusterCopy::Tell() {
  const std::lock_guard lock(mutex_);
  std::string line = failure_.empty() ? "ok" : failure_;
  std::replace(line.begin(), line.end(), '\n', ' ');
  WriteAll(pipe_.get(), line + "\n");
}

}  // namespace rotv::launch
