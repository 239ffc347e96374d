#include "sync/remote/directory_place.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <system_error>

#include "storage/atomic_file.h"
#include "storage/error.h"
#include "storage/handle.h"

// A directory is the simplest place: one disk, NFS, or a stick that is carried from one machine to another.
//
//   DIR/head            replaced by rename, under the lock
//   DIR/lock            flock: one publisher at a time compares and replaces the head
//   DIR/objects/HASH    written beside, then renamed

namespace rotv::remote {
namespace {

namespace fs = std::filesystem;

constexpr mode_t kOwner = S_IRUSR | S_IWUSR;
constexpr mode_t kAllAccess = S_ISGID | S_IRWXU | S_IRWXG | S_IRWXO;

class DirectoryPlace : public RemotePlace {
 public:
  DirectoryPlace(fs::path directory, Purpose purpose)
      : directory_(std::move(directory)), description_(directory_.native()) {
    if (purpose == Purpose::kPublish) {
      Make();
      return;
    }
    std::error_code error;
    if (fs::is_directory(directory_, error)) return;
    // What is mounted may be away for a while; what was never there is a mistake. Nobody can tell which.
    throw Error(ErrorCode::kUnreachable, fmt::format("there is no directory {}", description_),
                "mount it, or correct the remote's url in rotv.toml");
  }

  const std::string& description() const override { return description_; }

  std::optional<std::string> ReadHead() override { return Read(directory_ / "head", kMostHeadBytes); }

  bool ReplaceHead(const std::optional<std::string>& before, std::string_view head) override {
    const FileDescriptor lock = OpenOrCreateFile(directory_ / "lock", O_RDWR | O_CLOEXEC);
    // Another publisher may be another user: whoever may write to the directory. Only its owner can say so.
    (void)fchmod(lock.get(), kOwner | (Status().st_mode & (S_IRGRP | S_IWGRP)));
    while (flock(lock.get(), LOCK_EX) != 0) {
      if (errno != EINTR) ThrowDiskError("lock", directory_ / "lock", errno);
    }
    if (ReadHead() != before) return false;
    Write(directory_ / "head", head);
    return true;
  }

  std::string ReadObject(const std::string& name, uint64_t bytes) override {
    std::optional<std::string> content = Read(directory_ / "objects" / name, bytes);
    if (content && content->size() == bytes) return *std::move(content);
    throw NotAsPublished(description_, content ? "has only a part of" : "lacks", name);
  }

  // One of another user, or one that is gone, cannot be kept.
  bool KeepObject(const std::string& name) override {
    return utimensat(AT_FDCWD, (directory_ / "objects" / name).c_str(), nullptr, 0) == 0;
  }

  void WriteObject(const std::string& name, std::string_view bytes) override {
    Write(directory_ / "objects" / name, bytes);
  }

  std::vector<Listed> ListObjects() override {
    std::vector<Listed> listed;
    const std::time_t now = std::time(nullptr);
    std::error_code error;
    for (const fs::directory_entry& entry : fs::directory_iterator(directory_ / "objects", error)) {
      struct stat found {};
      if (stat(entry.path().c_str(), &found) != 0) continue;
      listed.push_back({.name = entry.path().filename(),
                        .bytes = static_cast<uint64_t>(found.st_size),
                        .age_s = static_cast<int64_t>(now - found.st_mtime)});
    }
    if (error) ThrowDiskError("read", directory_ / "objects", error.value());
    return listed;
  }

  bool RemoveObject(const std::string& name) override {
    std::error_code error;  // What stays is removed another time.
    fs::remove(directory_ / "objects" / name, error);
    return !error;
  }

 private:
  // Nullopt if there is no such file. Somebody else may have put anything there.
  std::optional<std::string> Read(const fs::path& path, uint64_t most) const {
    struct stat found {};
    if (stat(path.c_str(), &found) != 0) {
      if (errno == ENOENT) return std::nullopt;
      ThrowDiskError("read", path, errno);
    }
    if (!S_ISREG(found.st_mode) || static_cast<uint64_t>(found.st_size) > most) {
      throw Error(ErrorCode::kCorrupt, fmt::format("{} in the remote is larger than what is published", path.native()),
                  "remove it there and publish once more, on the machine that follows the source");
    }
    return ReadFile(path);
  }

  // Rows are in it: it is for its owner alone until that one gives it to others.
  void Make() const {
    std::error_code error;
    if (!fs::exists(directory_, error)) {
      fs::create_directories(directory_.parent_path(), error);
      if (mkdir(directory_.c_str(), S_IRWXU) != 0 && errno != EEXIST) ThrowDiskError("make", directory_, errno);
    }
    const fs::path objects = directory_ / "objects";
    if (mkdir(objects.c_str(), S_IRWXU) != 0) {
      if (errno != EEXIST) ThrowDiskError("make", objects, errno);
      return;
    }
    if (chmod(objects.c_str(), Status().st_mode & kAllAccess) != 0) ThrowDiskError("change", objects, errno);
  }

  struct stat Status() const {
    struct stat directory {};
    if (stat(directory_.c_str(), &directory) != 0) ThrowDiskError("read", directory_, errno);
    return directory;
  }

  // Whoever may read the directory may read what is in it: who that is, its owner has decided.
  void Write(const fs::path& path, std::string_view bytes) const {
    const struct stat directory = Status();
    AtomicFile file(path);
    file.Write(bytes);
    file.Permit(kOwner | (directory.st_mode & (S_IRGRP | S_IROTH)), directory.st_gid);
    file.Commit();
  }

  const fs::path directory_;
  const std::string description_;
};

}  // namespace

std::unique_ptr<RemotePlace> OpenDirectory(const std::string& directory, Purpose purpose) {
  return std::make_unique<DirectoryPlace>(directory, purpose);
}

}  // namespace rotv::remote
