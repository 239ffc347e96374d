#include "storage/store_view.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

#include "storage/atomic_file.h"
#include "storage/error.h"
#include "storage/store_seal.h"
#include "storage/write_all.h"

// RocksDB opens a store for reading beside a writer, but promises nothing about what it finds: it reads its MANIFEST
// first and its logs after that, and either may be newer, or gone, by then. And what the writer removes meanwhile (gc,
// compaction, a new baseline) is missing when the reader needs it. So a reader first makes a store of its own, which no
// one changes: tables are linked, which costs no space and keeps them on the disk; what grows is copied.
//
// What is copied belongs together, because of three orders. (1) Logs are copied before the MANIFEST. A state is written
// to the log after all tables that it needs were written to the MANIFEST, so a state in the copied log finds its tables
// in the copied MANIFEST. (2) The tables are listed after the MANIFEST was copied, and RocksDB removes a table only
// after its MANIFEST says that it is not needed: if the MANIFEST has not grown by then, all tables that its copy names
// are in the list. (3) The seal is read first and last. If it is the same, no other state was published in between, so
// nothing was removed that the state needs: a writer publishes what it promises no more before it removes that (gc),
// and what it adds before it publishes is not seen. Opening a store for writing changes RocksDB's files without a new
// state, and is noticed by CURRENT.
//
// If one of these does not hold, the attempt is made again, and keeps what is linked. A reader whose copy has a state
// that is not sealed yet is right, too; that state is on its way.
//
// A view shows damage as it is: what is missing in the store is missing in the view, and opening it says so.
//
// Refused: locks that readers share and a writer waits for (a long diff would stop pulls, or a pull would find no
// time); RocksDB's checkpoints (only the process that has the store open can make one); a second instance
// (OpenAsSecondary), which needs all tables kept by the writer.

namespace rotv {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kPatience{30};
constexpr std::chrono::milliseconds kBetweenAttempts{5};

// Thrown and caught in this file: no view can be made here.
struct Impossible {};

// The content of a small file; empty if it is missing.
std::string SmallFile(const fs::path& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0 && errno == ENOENT) return {};
  try {
    return ReadFile(path);
  } catch (const Error&) {
    if (stat(path.c_str(), &status) != 0 && errno == ENOENT) return {};
    throw;
  }
}

std::optional<uint64_t> BytesAt(const fs::path& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) return std::nullopt;
  return static_cast<uint64_t>(status.st_size);
}

std::vector<std::string> NamesIn(const fs::path& directory) {
  std::vector<std::string> names;
  std::error_code error;
  // The directory may be removed meanwhile.
  for (auto entry = fs::directory_iterator(directory, error); !error && entry != fs::directory_iterator();
       entry.increment(error)) {
    names.push_back(entry->path().filename());
  }
  if (error && error != std::errc::no_such_file_or_directory && error != std::errc::not_a_directory) {
    ThrowDiskError("read", directory, error.value());
  }
  return names;
}

void MakeDirectory(const fs::path& path) {
  if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) throw Impossible();
}

void WriteCopy(const fs::path& path, std::string_view content) {
  const FileDescriptor fd(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd || WriteAll(fd.get(), content) != 0) throw Impossible();
}

// Copies as many bytes as the file has when it is opened; returns their number. Without the file there is no copy.
uint64_t CopyFile(const fs::path& from, const fs::path& to) {
  const FileDescriptor source(open(from.c_str(), O_RDONLY | O_CLOEXEC));
  if (!source && errno == ENOENT) return 0;
  if (!source) ThrowDiskError("read", from, errno);
  struct stat status {};
  if (fstat(source.get(), &status) != 0) ThrowDiskError("read", from, errno);
  const FileDescriptor copy(open(to.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!copy) throw Impossible();
  std::array<char, size_t{128} << 10> buffer;
  uint64_t copied = 0;
  while (copied < static_cast<uint64_t>(status.st_size)) {
    const size_t wanted = std::min<uint64_t>(buffer.size(), static_cast<uint64_t>(status.st_size) - copied);
    const ssize_t count = read(source.get(), buffer.data(), wanted);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) ThrowDiskError("read", from, errno);
    if (count == 0) break;
    if (WriteAll(copy.get(), {buffer.data(), static_cast<size_t>(count)}) != 0) throw Impossible();
    copied += static_cast<uint64_t>(count);
  }
  return copied;
}

bool IsSameFile(const fs::path& one, const fs::path& other) {
  struct stat first {
  }, second{};
  return stat(one.c_str(), &first) == 0 && stat(other.c_str(), &second) == 0 && first.st_ino == second.st_ino;
}

// Returns false if there is no such file any more. A name of an earlier attempt may be of a table that a writer has
// removed since, when it opened the store, and its number is given again.
bool Link(const fs::path& from, const fs::path& to) {
  if (link(from.c_str(), to.c_str()) == 0) return true;
  if (errno == EEXIST) {
    if (IsSameFile(from, to)) return true;
    unlink(to.c_str());
    if (link(from.c_str(), to.c_str()) == 0) return true;
  }
  if (errno == ENOENT) return false;
  throw Impossible();
}

// What tells whether a store was changed.
struct Marks {
  std::string seal;
  std::string current;
  friend bool operator==(const Marks&, const Marks&) = default;
};
Marks MarksOf(const fs::path& store) { return {SmallFile(store / kSealName), SmallFile(store / "CURRENT")}; }

// Gives the name of the MANIFEST; empty if CURRENT names none.
std::string ManifestIn(const Marks& marks) {
  constexpr std::string_view kPrefix = "MANIFEST-";
  const std::string name = marks.current.substr(0, marks.current.find('\n'));
  const bool good = name.starts_with(kPrefix) && name.find('/') == std::string::npos;
  return good ? name : std::string();
}

bool IsLog(std::string_view name) { return name.ends_with(".log"); }
// These are written once and never changed.
bool IsLinked(std::string_view name) {
  return name.ends_with(".sst") || name == "IDENTITY" || (name.starts_with("OPTIONS-") && !name.ends_with("tmp"));
}

std::function<void()> test_pause;

void Pause() {
  if (test_pause) test_pause();
}

// Makes `to` the view of the store in `from`, or brings an attempt to it up to date. Returns false if the store was
// changed meanwhile.
bool TryStore(const fs::path& from, const fs::path& to) {
  MakeDirectory(to);
  for (const std::string& name : NamesIn(to)) {
    if (!IsLinked(name)) unlink((to / name).c_str());
  }
  const Marks before = MarksOf(from);
  Pause();
  for (const std::string& name : NamesIn(from)) {
    if (IsLog(name)) CopyFile(from / name, to / name);
  }
  Pause();
  const std::string manifest = ManifestIn(before);
  const uint64_t manifest_bytes = manifest.empty() ? 0 : CopyFile(from / manifest, to / manifest);
  Pause();
  const std::vector<std::string> names = NamesIn(from);
  const bool has_grown = !manifest.empty() && BytesAt(from / manifest).value_or(0) != manifest_bytes;
  if (has_grown || MarksOf(from) != before) return false;
  Pause();
  if (!before.seal.empty()) WriteCopy(to / kSealName, before.seal);
  if (!before.current.empty()) WriteCopy(to / "CURRENT", before.current);
  for (const std::string& name : names) {
    // Options may be replaced at any time, and are not needed.
    if (IsLinked(name) && !Link(from / name, to / name) && name.ends_with(".sst")) return false;
  }
  return true;
}

// What tells whether a source has the stores that its records named.
std::string RecordsOf(const fs::path& source) { return SmallFile(source / "current") + SmallFile(source / "owned"); }

// Opens and locks a directory. Gives nothing if it is locked by another process, or is not there any more.
FileDescriptor LockDirectory(const fs::path& path) {
  FileDescriptor fd(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd || flock(fd.get(), LOCK_EX | LOCK_NB) != 0) return {};
  struct stat opened {
  }, named{};
  const bool same = fstat(fd.get(), &opened) == 0 && stat(path.c_str(), &named) == 0 && opened.st_ino == named.st_ino;
  return same ? std::move(fd) : FileDescriptor();
}

}  // namespace

StoreView::StoreView(fs::path source_directory, fs::path path, FileDescriptor lock)
    : source_directory_(std::move(source_directory)), path_(std::move(path)), lock_(std::move(lock)) {}

StoreView::StoreView(StoreView&& other) noexcept
    : source_directory_(std::move(other.source_directory_)),
      path_(std::exchange(other.path_, {})),
      lock_(std::move(other.lock_)) {}

StoreView& StoreView::operator=(StoreView&& other) noexcept {
  std::swap(source_directory_, other.source_directory_);
  std::swap(path_, other.path_);
  std::swap(lock_, other.lock_);
  return *this;
}

StoreView::~StoreView() {
  if (path_.empty()) return;
  std::error_code ignored;
  fs::remove_all(path_, ignored);
  fs::remove(source_directory_ / kReadersName, ignored);  // Only if it is empty.
}

std::optional<StoreView> StoreView::Make(const fs::path& source_directory) {
  RemoveAbandonedViews(source_directory);
  const fs::path readers = source_directory / kReadersName;
  const Clock::time_point deadline = Clock::now() + kPatience;
  // Another reader may remove the directory, or take a view that is not locked yet for a leftover.
  while (Clock::now() < deadline) {
    if (mkdir(readers.c_str(), 0700) != 0 && errno != EEXIST) return std::nullopt;
    std::string path = readers / "XXXXXX";
    if (mkdtemp(path.data()) == nullptr) {
      if (errno == ENOENT) continue;
      return std::nullopt;
    }
    FileDescriptor lock = LockDirectory(path);
    if (lock) return StoreView(source_directory, path, std::move(lock));
  }
  return std::nullopt;
}

bool StoreView::Take(const std::function<std::vector<std::string>()>& read) {
  const Clock::time_point deadline = Clock::now() + kPatience;
  try {
    while (Clock::now() < deadline) {
      const std::string records = RecordsOf(source_directory_);
      std::vector<std::string> stores;
      try {
        stores = read();
      } catch (const Error&) {
        if (RecordsOf(source_directory_) == records) throw;
        continue;
      }
      bool taken = true;
      for (const std::string& store : stores) {
        if (!fs::is_directory(source_directory_ / store)) continue;
        taken = taken && TryStore(source_directory_ / store, path_ / store);
      }
      if (taken && RecordsOf(source_directory_) == records) return true;
      std::this_thread::sleep_for(kBetweenAttempts);
    }
  } catch (const Impossible&) {
    return false;
  }
  throw Error(ErrorCode::kInUse,
              fmt::format("the stores in {} change faster than they can be read", source_directory_.string()),
              "wait until the other run has ended, then run the command again");
}

void PauseViews(std::function<void()> pause) { test_pause = std::move(pause); }

void RemoveAbandonedViews(const fs::path& source_directory) noexcept {
  try {
    const fs::path readers = source_directory / kReadersName;
    for (const std::string& name : NamesIn(readers)) {
      const FileDescriptor lock = LockDirectory(readers / name);
      std::error_code ignored;
      if (lock) fs::remove_all(readers / name, ignored);
    }
    rmdir(readers.c_str());
  } catch (const std::exception&) {
    return;
  }
}

bool HasReaders(const fs::path& source_directory) {
  RemoveAbandonedViews(source_directory);
  return !NamesIn(source_directory / kReadersName).empty();
}

}  // namespace rotv
