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
#include <set>
#include <string_view>
#include <system_error>
#include <utility>

#include "cli/launch/checked_copy.h"
#include "storage/atomic_file.h"
#include "storage/error.h"
#include "storage/file_checksum.h"
#include "storage/write_all.h"

namespace rotv::launch {
namespace {

namespace fs = std::filesystem;

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
  StartThreads();
}

ClusterCopy::~ClusterCopy() {
  stop_.Request();
  for (std::thread& thread : threads_) thread.join();
}

// One thread is enough: others only make it faster.
void ClusterCopy::StartThreads() {
  const size_t wanted = std::clamp<size_t>(std::thread::hardware_concurrency(), 1, kMostCopyThreads);
  working_ = wanted;
  threads_.reserve(wanted);
  try {
    while (threads_.size() < wanted) threads_.emplace_back([this] { Work(); });
  } catch (const std::system_error& problem) {
    if (threads_.empty()) {
      throw Error(ErrorCode::kCannotStart,
                  fmt::format("the warm cluster cannot be copied, because no thread can be started: {}",
                              problem.code().message()),
                  "end other programs, or allow more processes (ulimit -u)");
    }
    const size_t missing = wanted - threads_.size();
    if ((working_ -= missing) == 0) Tell();
  }
}

void ClusterCopy::MakeDirectories(const std::string& marker) {
  MakeDirectory(AT_FDCWD, request_.to, "");
  for (const WarmFile& file : request_.files) {  // A directory comes before what is in it.
    if (!file.is_directory) continue;
    const auto parent = directories_.find(DirectoryOf(file.name));
    if (parent == directories_.end()) ThrowDiskError("make", request_.to / file.name, ENOENT);
    MakeDirectory(parent->second.get(), fs::path(file.name).filename(), file.name);
  }
  if (request_.reused) RemoveOthers();
  if (!Create(marker)) ThrowDiskError("make", request_.to / marker, errno);
  if (geteuid() != 0) return;
  for (const auto& [name, directory] : directories_) {
    if (fchown(directory.get(), request_.owner, request_.group) != 0) ThrowDiskError("make", request_.to / name, errno);
  }
}

// One that is reused may be there, with any mode, or something else in its place.
void ClusterCopy::MakeDirectory(int parent, const std::string& last, const std::string& name) {
  const auto problem = [&] { ThrowDiskError("make", request_.to / name, errno); };
  if (mkdirat(parent, last.c_str(), S_IRWXU) != 0 && (errno != EEXIST || !request_.reused)) problem();
  FileDescriptor made(openat(parent, last.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  struct stat status {};
  if (!made || fstat(made.get(), &status) != 0) problem();
  // Its owner may have put another user's directory there.
  if (status.st_uid != geteuid() && status.st_uid != request_.owner) {
    ThrowDiskError("make", request_.to / name, EPERM);
  }
  if (request_.reused && fchmod(made.get(), S_IRWXU) != 0) problem();
  directories_[name] = std::move(made);
}

// Removes what the warm cluster does not have: by descriptors, and without following a link.
void ClusterCopy::RemoveOthers() {
  std::set<std::string> wanted;
  for (const WarmFile& file : request_.files) wanted.insert(file.name);
  for (const auto& [name, directory] : directories_) {
    std::vector<fs::path> others;
    std::error_code problem;
    fs::directory_iterator entry(fmt::format("/proc/self/fd/{}", directory.get()), problem);
    for (; !problem && entry != fs::directory_iterator(); entry.increment(problem)) {
      const std::string last = entry->path().filename();
      if (!wanted.contains(name.empty() ? last : name + "/" + last)) others.push_back(entry->path());
    }
    for (const fs::path& other : others) {
      if (!problem) fs::remove_all(other, problem);
    }
    if (problem) ThrowDiskError("empty", request_.to / name, problem.value());
  }
}

// Whether an earlier clone has the file, as it was copied.
bool ClusterCopy::IsStillThere(const WarmFile& file) {
  if (!request_.reused) return false;
  const int directory = directories_.at(DirectoryOf(file.name)).get();
  const std::string last = fs::path(file.name).filename();
  struct stat status {};
  if (fstatat(directory, last.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return false;
  const auto known = request_.reused->files.find(file.name);
  if (known != request_.reused->files.end() && IsUnchanged(status, known->second) &&
      static_cast<uint64_t>(status.st_size) == file.bytes) {
    const std::lock_guard lock(mutex_);
    record_.files[file.name] = known->second;
    return true;
  }
  if (S_ISDIR(status.st_mode)) {
    fs::remove_all(fmt::format("/proc/self/fd/{}/{}", directory, last));
  } else {
    unlinkat(directory, last.c_str(), 0);
  }
  return false;
}

void ClusterCopy::Note(const std::string& name, int file) {
  struct stat status {};
  if (fstat(file, &status) != 0) return;
  const std::lock_guard lock(mutex_);
  record_.files[name] = ClonedFileOf(status);
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
  std::vector<char> buffer(kCopyBufferBytes);
  try {
    while (!failed_) {
      const size_t turn = next_++;
      if (turn >= queue_.size()) break;
      Copy(*queue_[turn], &buffer);
    }
  } catch (const std::exception& error) {
    // Where it was stopped, nobody waits for the line.
    Fail(std::string("unusable ") + error.what());
  }
  if (--working_ == 0) Tell();
}

void ClusterCopy::Copy(const WarmFile& file, std::vector<char>* buffer) {
  if (IsStillThere(file)) return;
  const fs::path path = request_.from / file.name;
  const FileDescriptor from(open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!from) return Fail(fmt::format("unusable {} cannot be read: {}", file.name, std::strerror(errno)));
  const FileDescriptor to = Create(file.name);
  const auto cannot_write = [&](int problem) {
    Fail(fmt::format("{} {} cannot be copied: {}", problem == ENOSPC ? "full" : "unusable", file.name,
                     std::strerror(problem)));
  };
  if (!to) return cannot_write(errno);
  if (file.bytes > 0 && ioctl(to.get(), FICLONE, from.get()) == 0) return Note(file.name, to.get());
  const CopiedBytes copied = CopyBytes(from.get(), to.get(), buffer, stop_);
  if (copied.read_problem != 0) {
    return Fail(fmt::format("unusable {} cannot be read: {}", file.name, std::strerror(copied.read_problem)));
  }
  if (copied.write_problem != 0) return cannot_write(copied.write_problem);
  if (ChecksumText(copied.sum) != file.sum) {
    return Fail(fmt::format("unusable the bytes of {} have changed", file.name));
  }
  Note(file.name, to.get());
}

void ClusterCopy::Fail(const std::string& line) {
  const std::lock_guard lock(mutex_);
  if (failure_.empty()) failure_ = line;
  failed_ = true;
}

void ClusterCopy::Tell() {
  const std::lock_guard lock(mutex_);
  if (failure_.empty()) {
    int64_t last_ns = 0;
    for (const auto& [name, file] : record_.files) last_ns = std::max(last_ns, file.changed_ns);
    if (!AwaitFileTimeAfter(last_ns)) record_.files.clear();  // Before the server can change any.
    record_.cluster = request_.from;
    WriteCloneRecord(request_.to, record_);
  }
  std::string line = failure_.empty() ? "ok" : failure_;
  std::replace(line.begin(), line.end(), '\n', ' ');
  WriteAll(pipe_.get(), line + "\n");
}

}  // namespace rotv::launch
