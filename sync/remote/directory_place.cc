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
#include "sync/remote/remote_place.h"

// A directory is the simplest place: one disk, NFS, or a stick that is carried from one machine to another.
//
//   DIR/head            replaced by rename, under the lock
//   DIR/lock            flock: one publisher at a time compares and replaces the head
//   DIR/objects/HASH    written beside, then renamed

namespace rotv::remote {
namespace {

namespace fs = std::filesystem;

class DirectoryPlace : public RemotePlace {
 public:
  DirectoryPlace(fs::path directory, Purpose purpose)
      : directory_(std::move(directory)), description_(directory_.native()) {
    if (purpose == Purpose::kPublish) {
      std::error_code error;
      fs::create_directories(directory_ / "objects", error);
      if (error) ThrowDiskError("make", directory_ / "objects", error.value());
      return;
    }
    std::error_code error;
    if (fs::is_directory(directory_, error)) return;
    // What is mounted may be away for a while; what was never there is a mistake. Nobody can tell which.
    throw Error(ErrorCode::kUnreachable, fmt::format("there is no directory {}", description_),
                "mount it, or correct the remote's url in rotv.toml");
  }

  const std::string& description() const override { return description_; }

  std::optional<std::string> ReadHead() override { return Read(directory_ / "head"); }

  bool ReplaceHead(const std::optional<std::string>& before, std::string_view head) override {
    const FileDescriptor lock = OpenOrCreateFile(directory_ / "lock", O_RDWR | O_CLOEXEC);
    while (flock(lock.get(), LOCK_EX) != 0) {
      if (errno != EINTR) ThrowDiskError("lock", directory_ / "lock", errno);
    }
    if (ReadHead() != before) return false;
    Write(directory_ / "head", head);
    return true;
  }

  std::string ReadObject(const std::string& name) override {
    if (std::optional<std::string> bytes = Read(directory_ / "objects" / name)) return *std::move(bytes);
    throw Error(ErrorCode::kCorrupt, fmt::format("the remote {} lacks the object {}", description_, name),
                "pull again: the publisher may have removed it meanwhile; if it stays, publish anew");
  }

  std::optional<uint64_t> ObjectSize(const std::string& name) override {
    std::error_code error;
    const uint64_t size = fs::file_size(directory_ / "objects" / name, error);
    if (error) return std::nullopt;
    return size;
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
      listed.push_back({entry.path().filename(), static_cast<int64_t>(now - found.st_mtime)});
    }
    if (error) ThrowDiskError("read", directory_ / "objects", error.value());
    return listed;
  }

  void RemoveObject(const std::string& name) override {
    std::error_code ignored;  // What stays is removed another time.
    fs::remove(directory_ / "objects" / name, ignored);
  }

 private:
  std::optional<std::string> Read(const fs::path& path) const {
    std::error_code error;
    if (!fs::exists(path, error) && !error) return std::nullopt;
    return ReadFile(path);
  }

  // Whoever may read the directory may read what is in it: who that is, its owner has decided.
  void Write(const fs::path& path, std::string_view bytes) const {
    WriteFileAtomically(path, bytes);
    struct stat directory {};
    constexpr mode_t kOthersRead = S_IRGRP | S_IROTH;
    if (stat(directory_.c_str(), &directory) != 0) ThrowDiskError("read", directory_, errno);
    if (chmod(path.c_str(), S_IRUSR | S_IWUSR | (directory.st_mode & kOthersRead)) != 0) {
      ThrowDiskError("change", path, errno);
    }
  }

  const fs::path directory_;
  const std::string description_;
};

}  // namespace

std::unique_ptr<RemotePlace> OpenPlace(const std::string& url, Purpose purpose) {
  return std::make_unique<DirectoryPlace>(url, purpose);
}

}  // namespace rotv::remote
