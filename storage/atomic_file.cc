#include "storage/atomic_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "storage/error.h"
#include "storage/open_files.h"
#include "storage/view_path.h"
#include "storage/write_all.h"

// The usual order makes a replacement durable: write a temporary file, fsync it, rename it, fsync the directory. Two
// things are added. The temporary file is locked while it is written, so that a later run can tell a leftover (not
// locked) from a file that another run is writing. And its name is unpredictable and created exclusively, since a seed
// may be written into a directory, such as /tmp, in which other users can put links.

namespace rotv {
namespace {

std::filesystem::path DirectoryOf(const std::filesystem::path& path) {
  return path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
}

std::string HintFor(int error_number, const std::filesystem::path& path) {
  switch (error_number) {
    case ENOSPC:
    case EDQUOT:
      return fmt::format("free space on the disk that holds {}, then run the command again",
                         DirectoryOf(path).string());
    case EACCES:
    case EPERM:
    case EROFS:
      return fmt::format("make {} writable for you, or choose another place", DirectoryOf(path).string());
    case EISDIR:
      return "name a file in it, or choose another place";
    case EFBIG:
      return "raise the limit on file sizes (ulimit -f), or choose another disk";
    case EMFILE:
    case ENFILE:
      return "raise the limit on open files (ulimit -n), then run the command again";
    case ELOOP:
      return "it is a symbolic link: remove it, or choose another place";
    case ENOENT:
    case ENOTDIR:
      return fmt::format("create the directory {} first, or choose another place", DirectoryOf(path).string());
    default:
      return "check this machine's disk";
  }
}

constexpr std::string_view kTemporarySuffix = ".tmp";

// All temporary files of `path` have names that begin like this. A long name is cut, so that the file system's limit
// (255 bytes) is not reached.
std::string TemporaryPrefix(const std::filesystem::path& path) {
  constexpr size_t kLongest = 200;
  return path.filename().string().substr(0, kLongest) + ".rotv-";
}

void WriteTo(int fd, std::string_view bytes, const std::filesystem::path& path) {
  if (const int problem = WriteAll(fd, bytes); problem != 0) ThrowDiskError("write", path, problem);
}

// Removes `file` if it is a regular file of this user that no process has locked. Other users may have put anything
// under such a name, so nothing else is touched.
void RemoveIfAbandoned(const std::filesystem::path& file) {
  const FileDescriptor fd(open(file.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat status {};
  if (!fd || fstat(fd.get(), &status) != 0) return;
  if (!S_ISREG(status.st_mode) || status.st_uid != geteuid()) return;
  if (flock(fd.get(), LOCK_EX | LOCK_NB) == 0) unlink(file.c_str());
}

}  // namespace

void RemoveTemporaryFiles(const std::filesystem::path& path) {
  const std::string prefix = TemporaryPrefix(path);
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(DirectoryOf(path), ignored)) {
    const std::string name = entry.path().filename();
    if (name.starts_with(prefix) && name.ends_with(kTemporarySuffix)) RemoveIfAbandoned(entry.path());
  }
}

Error DiskError(const std::string& what, const std::filesystem::path& where, int error_number) {
  const std::filesystem::path path = WithoutViews(where);
  if (error_number == EMFILE || error_number == ENFILE) {
    return TooManyFiles(fmt::format("cannot {} {}", what, path.string()));
  }
  return {ErrorCode::kDisk, fmt::format("cannot {} {}: {}", what, path.string(), strerror(error_number)),
          HintFor(error_number, path)};
}

void ThrowDiskError(const std::string& what, const std::filesystem::path& path, int error_number) {
  throw DiskError(what, path, error_number);
}

AtomicFile::AtomicFile(std::filesystem::path path) : path_(std::move(path)) {
  struct stat status {};
  const bool exists = stat(path_.c_str(), &status) == 0;
  if (exists && S_ISDIR(status.st_mode)) ThrowDiskError("write", path_, EISDIR);
  if (exists && !S_ISREG(status.st_mode)) {
    // A rename would put a file in the place of /dev/null.
    throw Error(ErrorCode::kDisk, fmt::format("cannot write {}: it is not a file", path_.string()),
                "choose another place, or - for standard output where that is offered");
  }
  RemoveTemporaryFiles(path_);
  while (!fd_) CreateTemporary();
}

// The file is locked for as long as it is written, so that no other run takes it for a leftover.
void AtomicFile::CreateTemporary() {
  std::string name = DirectoryOf(path_) / (TemporaryPrefix(path_) + "XXXXXX" + std::string(kTemporarySuffix));
  FileDescriptor fd(mkostemps(name.data(), static_cast<int>(kTemporarySuffix.size()), O_CLOEXEC));
  if (!fd) ThrowDiskError("write", path_, errno);
  struct stat status {};
  flock(fd.get(), LOCK_EX);  // Without locks a file system only keeps leftovers; nothing else breaks.
  // Another run removed it as a leftover before it was locked: the caller tries again.
  if (fstat(fd.get(), &status) == 0 && status.st_nlink == 0) return;
  temporary_ = name;
  fd_ = std::move(fd);
}

AtomicFile::~AtomicFile() {
  if (fd_) unlink(temporary_.c_str());
}

void AtomicFile::Write(std::string_view bytes) {
  WriteTo(fd_.get(), bytes, path_);
  written_ += bytes.size();
  // Writeback starts now, so that the fsync at the end has little left to wait for. This is only a hint: fsync reports
  // the errors.
  constexpr uint64_t kStartEvery = uint64_t{8} << 20;
  if (written_ - started_ < kStartEvery) return;
  sync_file_range(fd_.get(), static_cast<off64_t>(started_), static_cast<off64_t>(written_ - started_),
                  SYNC_FILE_RANGE_WRITE);
  started_ = written_;
}

void AtomicFile::Permit(mode_t mode, gid_t group) {
  const int unless_allowed = fchown(fd_.get(), static_cast<uid_t>(-1), group);
  (void)unless_allowed;
  if (fchmod(fd_.get(), mode) != 0) ThrowDiskError("change", path_, errno);
}

void AtomicFile::Commit() {
  if (fsync(fd_.get()) != 0) ThrowDiskError("write", path_, errno);
  if (rename(temporary_.c_str(), path_.c_str()) != 0) ThrowDiskError("replace", path_, errno);
  fd_ = FileDescriptor();
  SyncDirectory(DirectoryOf(path_));
}

bool AtomicFile::CommitIfMissing() {
  if (fsync(fd_.get()) != 0) ThrowDiskError("write", path_, errno);
  const bool is_made = link(temporary_.c_str(), path_.c_str()) == 0;
  if (!is_made && errno != EEXIST) ThrowDiskError("make", path_, errno);
  if (unlink(temporary_.c_str()) != 0) ThrowDiskError("remove", temporary_, errno);
  fd_ = FileDescriptor();
  SyncDirectory(DirectoryOf(path_));
  return is_made;
}

void WriteFileAtomically(const std::filesystem::path& path, std::string_view content) {
  AtomicFile file(path);
  file.Write(content);
  file.Commit();
}

void WriteNewFile(const std::filesystem::path& path, std::string_view content) {
  if (unlink(path.c_str()) != 0 && errno != ENOENT) ThrowDiskError("replace", path, errno);
  FileDescriptor fd(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd) ThrowDiskError("write", path, errno);
  WriteTo(fd.get(), content, path);
}

FileDescriptor OpenOrCreateFile(const std::filesystem::path& path, int flags) {
  FileDescriptor fd(open(path.c_str(), flags | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd) ThrowDiskError("open", path, errno);
  return fd;
}

std::string ReadFile(const std::filesystem::path& path) {
  FileDescriptor fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) ThrowDiskError("read", path, errno);
  std::string content;
  char buffer[65536];
  for (;;) {
    ssize_t count = read(fd.get(), buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) ThrowDiskError("read", path, errno);
    if (count == 0) return content;
    content.append(buffer, static_cast<size_t>(count));
  }
}

void SyncDirectory(const std::filesystem::path& directory) {
  FileDescriptor fd(open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd || fsync(fd.get()) != 0) ThrowDiskError("sync", directory, errno);
}

}  // namespace rotv
