#include "tests/support/preload/disk_calls.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdarg>
#include <cstdlib>
#include <mutex>
#include <vector>

// Each function of the C library that changes files, or opens them, and that the programs or the libraries that they
// use call. One call at a time is made where they are recorded, so that the record has them in the order in which they
// happened.

namespace odd_disk {
namespace {

std::atomic<uint64_t> g_written{0};  // Bytes, to files that are looked at.

template <typename Function>
Function* Next(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

std::string LinkAt(const std::string& path) {
  char target[PATH_MAX];
  const ssize_t length = readlink(path.c_str(), target, sizeof target);
  return length < 0 ? "" : std::string(target, static_cast<size_t>(length));
}
std::string PathOf(int fd) { return LinkAt("/proc/self/fd/" + std::to_string(fd)); }
std::string PathOf(int directory, const char* path) {
  if (path == nullptr || path[0] == '/') return path == nullptr ? "" : path;
  return (directory == AT_FDCWD ? LinkAt("/proc/self/cwd") : PathOf(directory)) + "/" + path;
}

std::unique_lock<std::mutex> Turn() {
  static auto* mutex = new std::mutex;  // Other threads may still write while the process ends.
  return IsRecorded() ? std::unique_lock(*mutex) : std::unique_lock<std::mutex>();
}

// Makes a call that returns a negative number when it fails; `record` is for one that has not.
template <typename Real, typename Record>
auto Through(const Call& call, Real real, Record record) {
  if (!IsWatched(call.path)) return real();
  const auto turn = Turn();
  const Verdict verdict = Decide(call);
  if (verdict.error != 0) {
    errno = verdict.error;
    return static_cast<decltype(real())>(-1);
  }
  const auto result = real();
  const int problem = errno;
  if (result >= 0 && IsRecorded()) record(result);
  errno = problem;
  return result;
}

template <typename Real>
auto Through(const Call& call, Real real) {
  return Through(call, real, [](auto) {});
}

template <typename Real>
int Open(const char* name, const std::string& path, int flags, Real real) {
  if (!IsWatched(path)) return real();
  const bool exists = access(path.c_str(), F_OK) == 0;
  const Call call{.name = name, .kind = (flags & O_CREAT) != 0 && !exists ? Kind::kCreate : Kind::kOpen, .path = path};
  return Through(call, real, [&](int fd) {
    if (!exists) RecordCreate(path, false);
    if (exists && (flags & O_TRUNC) != 0) RecordResize(fd, 0);
  });
}

// `real` is given the number of bytes to write.
template <typename Real>
ssize_t Write(const char* name, int fd, const void* data, size_t bytes, const off_t* offset, Real real) {
  const std::string path = PathOf(fd);
  if (!IsWatched(path)) return real(bytes);
  const auto turn = Turn();
  const Verdict verdict = Decide({.name = name, .kind = Kind::kWrite, .path = path});
  if (verdict.error != 0) {
    errno = verdict.error;
    return -1;
  }
  const ssize_t written = real(verdict.is_short ? (bytes + 1) / 2 : bytes);
  const int problem = errno;
  if (written > 0) g_written += static_cast<uint64_t>(written);
  if (written > 0 && IsRecorded()) {
    RecordWrite(fd, offset != nullptr ? *offset : lseek(fd, 0, SEEK_CUR) - written, data, static_cast<size_t>(written));
  }
  errno = problem;
  return written;
}

std::string Gathered(const iovec* parts, int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text.append(static_cast<const char*>(parts[i].iov_base), parts[i].iov_len);
  return text;
}

int Resize(const char* name, int fd, off_t size) {
  return Through(
      {.name = name, .kind = Kind::kResize, .path = PathOf(fd)}, [&] { return Next<int(int, off_t)>(name)(fd, size); },
      [&](int) { RecordResize(fd, size); });
}

// The sizes of files stay as they are, or nobody reads what was added: this only reserves space.
int Reserve(const char* name, int fd, int mode, off_t offset, off_t bytes) {
  return Through({.name = name, .kind = Kind::kResize, .path = PathOf(fd)},
                 [&] { return Next<int(int, int, off_t, off_t)>(name)(fd, mode, offset, bytes); });
}

int Sync(const char* name, int fd) {
  return Through(
      {.name = name, .kind = Kind::kSync, .path = PathOf(fd)}, [&] { return Next<int(int)>(name)(fd); },
      [&](int) { RecordSync(fd); });
}

template <typename Real>
int Remove(const char* name, const std::string& path, Real real) {
  return Through({.name = name, .kind = Kind::kRemove, .path = path}, real, [&](int) { RecordRemove(path); });
}

template <typename Real>
int Rename(const char* name, const std::string& from, const std::string& to, Real real) {
  return Through({.name = name, .kind = Kind::kRename, .path = to}, real, [&](int) { RecordRename(from, to); });
}

template <typename Real>
int MakeDirectory(const char* name, const std::string& path, Real real) {
  return Through({.name = name, .kind = Kind::kMakeDirectory, .path = path}, real,
                 [&](int) { RecordCreate(path, true); });
}

template <typename Real>
int Link(const char* name, const std::string& from, const std::string& to, Real real) {
  return Through({.name = name, .kind = Kind::kLink, .path = to}, real, [&](int) { RecordLink(from, to); });
}

// `pattern` is the path of what is new once `real` has returned.
template <typename Real>
int MakeTemporary(const char* name, Kind kind, char* pattern, Real real) {
  return Through({.name = name, .kind = kind, .path = PathOf(AT_FDCWD, pattern)}, real,
                 [&](int) { RecordCreate(PathOf(AT_FDCWD, pattern), kind == Kind::kMakeDirectory); });
}

mode_t ModeOf(int flags, va_list arguments) { return (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0; }

}  // namespace
}  // namespace odd_disk

using namespace odd_disk;  // NOLINT(google-build-using-namespace): what follows is the C library's.

#define ODD_DISK_OPEN(name)                                                                  \
  extern "C" int name(const char* path, int flags, ...) {                                    \
    va_list arguments;                                                                       \
    va_start(arguments, flags);                                                              \
    const mode_t mode = ModeOf(flags, arguments);                                            \
    va_end(arguments);                                                                       \
    return Open(#name, PathOf(AT_FDCWD, path), flags,                                        \
                [&] { return Next<int(const char*, int, ...)>(#name)(path, flags, mode); }); \
  }
#define ODD_DISK_OPENAT(name)                                                                                \
  extern "C" int name(int directory, const char* path, int flags, ...) {                                     \
    va_list arguments;                                                                                       \
    va_start(arguments, flags);                                                                              \
    const mode_t mode = ModeOf(flags, arguments);                                                            \
    va_end(arguments);                                                                                       \
    return Open(#name, PathOf(directory, path), flags,                                                       \
                [&] { return Next<int(int, const char*, int, ...)>(#name)(directory, path, flags, mode); }); \
  }
ODD_DISK_OPEN(open)
ODD_DISK_OPEN(open64)
ODD_DISK_OPENAT(openat)
ODD_DISK_OPENAT(openat64)

extern "C" int mkostemps(char* pattern, int suffix, int flags) {
  return MakeTemporary("mkostemps", Kind::kCreate, pattern,
                       [&] { return Next<int(char*, int, int)>("mkostemps")(pattern, suffix, flags); });
}
extern "C" int mkstemp(char* pattern) {
  return MakeTemporary("mkstemp", Kind::kCreate, pattern, [&] { return Next<int(char*)>("mkstemp")(pattern); });
}

extern "C" ssize_t write(int fd, const void* data, size_t bytes) {
  return Write("write", fd, data, bytes, nullptr,
               [&](size_t most) { return Next<ssize_t(int, const void*, size_t)>("write")(fd, data, most); });
}
extern "C" ssize_t pwrite(int fd, const void* data, size_t bytes, off_t offset) {
  return Write("pwrite", fd, data, bytes, &offset, [&](size_t most) {
    return Next<ssize_t(int, const void*, size_t, off_t)>("pwrite")(fd, data, most, offset);
  });
}
extern "C" ssize_t pwrite64(int fd, const void* data, size_t bytes, off_t offset) {
  return pwrite(fd, data, bytes, offset);
}
extern "C" ssize_t writev(int fd, const iovec* parts, int count) {
  if (!IsWatched(PathOf(fd))) return Next<ssize_t(int, const iovec*, int)>("writev")(fd, parts, count);
  const std::string text = Gathered(parts, count);
  return write(fd, text.data(), text.size());
}
extern "C" ssize_t pwritev(int fd, const iovec* parts, int count, off_t offset) {
  const std::string text = Gathered(parts, count);
  return pwrite(fd, text.data(), text.size(), offset);
}

extern "C" int ftruncate(int fd, off_t size) { return Resize("ftruncate", fd, size); }
extern "C" int ftruncate64(int fd, off_t size) { return Resize("ftruncate64", fd, size); }
extern "C" int fallocate(int fd, int mode, off_t offset, off_t bytes) {
  return Reserve("fallocate", fd, mode, offset, bytes);
}
extern "C" int fallocate64(int fd, int mode, off_t offset, off_t bytes) {
  return Reserve("fallocate64", fd, mode, offset, bytes);
}

extern "C" int fsync(int fd) { return Sync("fsync", fd); }
extern "C" int fdatasync(int fd) { return Sync("fdatasync", fd); }
// Makes nothing durable: it is not recorded. Without a flag it does nothing (RocksDB asks so whether there is such a
// call), and cannot fail.
extern "C" int sync_file_range(int fd, off64_t offset, off64_t bytes, unsigned flags) {
  if (flags == 0) return 0;
  return Through({.name = "sync_file_range", .kind = Kind::kSync, .path = PathOf(fd)}, [&] {
    return Next<int(int, off64_t, off64_t, unsigned)>("sync_file_range")(fd, offset, bytes, flags);
  });
}

extern "C" int rename(const char* from, const char* to) {
  return Rename("rename", PathOf(AT_FDCWD, from), PathOf(AT_FDCWD, to),
                [&] { return Next<int(const char*, const char*)>("rename")(from, to); });
}
extern "C" int mkdir(const char* path, mode_t mode) {
  return MakeDirectory("mkdir", PathOf(AT_FDCWD, path),
                       [&] { return Next<int(const char*, mode_t)>("mkdir")(path, mode); });
}
extern "C" char* mkdtemp(char* pattern) {
  const int made = MakeTemporary("mkdtemp", Kind::kMakeDirectory, pattern,
                                 [&] { return Next<char*(char*)>("mkdtemp")(pattern) == nullptr ? -1 : 0; });
  return made < 0 ? nullptr : pattern;
}
extern "C" int unlink(const char* path) {
  return Remove("unlink", PathOf(AT_FDCWD, path), [&] { return Next<int(const char*)>("unlink")(path); });
}
extern "C" int unlinkat(int directory, const char* path, int flags) {
  return Remove("unlinkat", PathOf(directory, path),
                [&] { return Next<int(int, const char*, int)>("unlinkat")(directory, path, flags); });
}
extern "C" int rmdir(const char* path) {
  return Remove("rmdir", PathOf(AT_FDCWD, path), [&] { return Next<int(const char*)>("rmdir")(path); });
}
extern "C" int remove(const char* path) {
  return Remove("remove", PathOf(AT_FDCWD, path), [&] { return Next<int(const char*)>("remove")(path); });
}
extern "C" int link(const char* from, const char* to) {
  return Link("link", PathOf(AT_FDCWD, from), PathOf(AT_FDCWD, to),
              [&] { return Next<int(const char*, const char*)>("link")(from, to); });
}

// If these are set, the disk has ROTV_TEST_DISK_FREE bytes free of ROTV_TEST_DISK_SIZE at first, and fewer with each
// write.
extern "C" int statvfs(const char* path, struct statvfs* disk) {
  const int result = Next<int(const char*, struct statvfs*)>("statvfs")(path, disk);
  const char* free = std::getenv("ROTV_TEST_DISK_FREE");
  const char* size = std::getenv("ROTV_TEST_DISK_SIZE");
  if (result != 0 || free == nullptr || size == nullptr) return result;
  disk->f_bsize = disk->f_frsize = 1;
  disk->f_blocks = std::strtoull(size, nullptr, 10);
  const uint64_t at_first = std::strtoull(free, nullptr, 10);
  disk->f_bfree = disk->f_bavail = at_first - std::min<uint64_t>(at_first, g_written);
  return result;
}
