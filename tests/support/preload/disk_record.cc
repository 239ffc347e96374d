#include "tests/support/preload/disk_record.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>

#include "tests/support/preload/disk_calls.h"

namespace odd_disk {
namespace {

int RecordFile() {
  static const int fd = [] {
    const char* path = std::getenv("ROTV_TEST_DISK_RECORD");
    return path == nullptr ? -1 : open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  }();
  return fd;
}

void Append(Entry entry, std::string_view name, std::string_view data = {}) {
  entry.name_bytes = name.size();
  entry.data_bytes = data.size();
  std::string text(reinterpret_cast<const char*>(&entry), sizeof entry);
  text.append(name).append(data);
  if (write(RecordFile(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) abort();
}

uint64_t InodeAt(const std::string& path) {
  struct stat status {};
  return lstat(path.c_str(), &status) == 0 ? status.st_ino : 0;
}

struct stat StatusOf(int fd) {
  struct stat status {};
  fstat(fd, &status);
  return status;
}

struct Place {
  std::string directory, name;
};
Place PlaceOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  return {path.substr(0, slash), path.substr(slash + 1)};
}

void AppendAt(Action action, const std::string& path, uint64_t inode) {
  const Place place = PlaceOf(path);
  Append({.action = action, .inode = inode, .directory = InodeAt(place.directory)}, place.name);
}

}  // namespace

bool IsRecorded() { return RecordFile() >= 0; }

void RecordCreate(const std::string& path, bool is_directory) {
  AppendAt(is_directory ? Action::kCreateDirectory : Action::kCreateFile, path, InodeAt(path));
}

void RecordWrite(int fd, off_t offset, const void* data, size_t bytes) {
  Append({.action = Action::kWrite, .inode = StatusOf(fd).st_ino, .offset = static_cast<uint64_t>(offset)}, "",
         {static_cast<const char*>(data), bytes});
}

void RecordResize(int fd, off_t size) {
  Append({.action = Action::kResize, .inode = StatusOf(fd).st_ino, .offset = static_cast<uint64_t>(size)}, "");
}

void RecordSync(int fd) {
  const struct stat status = StatusOf(fd);
  Append({.action = S_ISDIR(status.st_mode) ? Action::kSyncDirectory : Action::kSyncFile, .inode = status.st_ino}, "");
}

void RecordRename(const std::string& from, const std::string& to) {
  const uint64_t inode = InodeAt(to);
  AppendAt(Action::kRenameFrom, from, inode);
  AppendAt(Action::kRenameTo, to, inode);
}

void RecordRemove(const std::string& path) { AppendAt(Action::kUnname, path, 0); }

void RecordLink(const std::string& /*from*/, const std::string& to) { AppendAt(Action::kLink, to, InodeAt(to)); }

}  // namespace odd_disk
