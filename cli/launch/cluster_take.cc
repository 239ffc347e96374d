#include "cli/launch/cluster_take.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <memory>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include "cli/launch/checked_copy.h"
#include "cli/launch/warm_file.h"
#include "storage/file_checksum.h"
#include "storage/handle.h"

namespace rotv::launch {
namespace {

namespace fs = std::filesystem;

struct CloseDirectory {
  void operator()(DIR* directory) const { closedir(directory); }
};

bool IsSameTime(const timespec& a, const timespec& b) { return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec; }

class Taking {
 public:
  Taking(const ClusterTakeRequest& request, std::vector<WarmFile>* files, CloneRecord* record,
         std::atomic<uint64_t>* bytes, const Interrupt& interrupt)
      : request_(request), files_(*files), record_(*record), bytes_(*bytes), interrupt_(interrupt) {}

  bool Run() {
    const FileDescriptor top(open(request_.from.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    struct stat status {};
    if (!top || fstat(top.get(), &status) != 0) return false;
    owner_ = status.st_uid;
    if (!Walk(top.get(), "rotv-kept", "")) return false;
    is_aside_ = false;
    for (const std::string name : {"base", "pg_tblspc"}) {
      if (!MakeDirectory(name) || !Walk(top.get(), name, name)) return false;
    }
    std::stable_sort(queue_.begin(), queue_.end(), [](const Found& a, const Found& b) { return a.bytes > b.bytes; });
    WorkOnThreads();
    return !failed_;
  }

 private:
  struct Found {
    int directory = -1;     // Of directories_.
    std::string name;       // In that directory,
    std::string as;         // and in the warm cluster.
    bool is_aside = false;  // It is not the server's own file.
    int64_t bytes = 0;
  };

  bool MakeDirectory(const std::string& as) {
    files_.push_back({.name = as, .is_directory = true});
    return MakeWarmDirectory(request_.to / as);
  }

  // Notes the files below a directory, and makes the directories.
  bool Walk(int parent, const std::string& name, const std::string& as) {
    const int fd = openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) return false;
    directories_.emplace_back(fd);
    const int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    const std::unique_ptr<DIR, CloseDirectory> listing(copy < 0 ? nullptr : fdopendir(copy));
    if (!listing) return false;
    while (const dirent* entry = readdir(listing.get())) {
      const std::string found = entry->d_name;
      if (found == "." || found == "..") continue;
      struct stat status {};
      if (fstatat(fd, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) return false;
      const std::string found_as = as.empty() ? found : as + "/" + found;
      if (S_ISDIR(status.st_mode)) {
        if (!MakeDirectory(found_as) || !Walk(fd, found, found_as)) return false;
      } else if (S_ISREG(status.st_mode)) {
        queue_.push_back(
            {.directory = fd, .name = found, .as = found_as, .is_aside = is_aside_, .bytes = status.st_size});
      } else {
        return false;
      }
    }
    return true;
  }

  void WorkOnThreads() {
    std::vector<std::thread> threads;
    const size_t wanted = std::clamp<size_t>(std::thread::hardware_concurrency(), 1, kMostCopyThreads);
    try {
      while (threads.size() + 1 < wanted) threads.emplace_back([this] { Work(); });
    } catch (const std::system_error&) {
      // This one does all of it.
    }
    Work();
    for (std::thread& thread : threads) thread.join();
    interrupt_.Check();
  }

  void Work() {
    std::vector<char> buffer(kCopyBufferBytes);
    std::vector<WarmFile> files;
    try {
      for (size_t turn = next_++; !failed_ && turn < queue_.size(); turn = next_++) {
        WarmFile file;
        if (!Take(queue_[turn], &buffer, &file)) failed_ = true;
        files.push_back(std::move(file));
      }
    } catch (const Error&) {
      failed_ = true;  // It was interrupted.
    }
    const std::lock_guard lock(mutex_);
    files_.insert(files_.end(), std::make_move_iterator(files.begin()), std::make_move_iterator(files.end()));
  }

  bool Take(const Found& found, std::vector<char>* buffer, WarmFile* file) {
    const FileDescriptor from(
        openat(found.directory, found.name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    const FileDescriptor to = MakeWarmFile(request_.to / found.as);
    struct stat before {};
    if (!from || !to || fstat(from.get(), &before) != 0 || !S_ISREG(before.st_mode)) return false;
    // A file of others, to which the server's user has given a second name there, is not for the cluster's readers.
    if (before.st_nlink != 1 || before.st_uid != owner_) return false;
    const CopiedBytes copied = CopyBytes(from.get(), to.get(), buffer, interrupt_, &bytes_);
    struct stat after {};
    struct stat written {};
    if (copied.read_problem != 0 || copied.write_problem != 0 || fstat(from.get(), &after) != 0 ||
        fstat(to.get(), &written) != 0) {
      return false;
    }
    *file = {.name = found.as,
             .bytes = copied.bytes,
             .modified_ns = written.st_mtim.tv_sec * int64_t{1'000'000'000} + written.st_mtim.tv_nsec,
             .sum = ChecksumText(copied.sum)};
    const ClonedFile known = ClonedFileOf(after);
    if (after.st_size != static_cast<int64_t>(copied.bytes) || !IsSameTime(before.st_ctim, after.st_ctim)) return false;
    if (found.is_aside || known.changed_ns >= begun_ns_) return true;
    const std::lock_guard lock(mutex_);
    record_.files[found.as] = known;
    return true;
  }

  const ClusterTakeRequest& request_;
  const int64_t begun_ns_ = FileTimeNs();
  std::vector<WarmFile>& files_;
  CloneRecord& record_;
  std::atomic<uint64_t>& bytes_;
  const Interrupt& interrupt_;
  std::vector<FileDescriptor> directories_;
  std::vector<Found> queue_;  // The largest first.
  bool is_aside_ = true;      // While files are found.
  uid_t owner_ = 0;           // Of the cluster.
  std::atomic<size_t> next_ = 0;
  std::atomic<bool> failed_ = false;
  std::mutex mutex_;  // Of files_ and record_, while there are threads.
};

}  // namespace

bool TakeCluster(const ClusterTakeRequest& request, std::vector<WarmFile>* files, CloneRecord* record,
                 std::atomic<uint64_t>* bytes, const Interrupt& interrupt) {
  return Taking(request, files, record, bytes, interrupt).Run();
}

}  // namespace rotv::launch
