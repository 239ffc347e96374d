#include "tests/support/servers/copy_cluster.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <vector>

#include "fmt/format.h"
#include "storage/handle.h"
#include "storage/write_all.h"

namespace rotv::testing {
namespace {

namespace fs = std::filesystem;

constexpr size_t kPiece = size_t{1} << 18;

[[noreturn]] void Throw(const fs::path& path) {
  throw std::runtime_error(fmt::format("{}: {}", path.string(), std::generic_category().message(errno)));
}

bool IsZero(const char* bytes, size_t size) { return bytes[0] == 0 && std::memcmp(bytes, bytes + 1, size - 1) == 0; }

void CopyFile(const fs::path& from, const fs::path& to, uid_t owner, std::vector<char>& buffer) {
  const FileDescriptor in(open(from.c_str(), O_RDONLY | O_CLOEXEC));
  if (!in) Throw(from);
  const FileDescriptor out(open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!out || (owner != geteuid() && fchown(out.get(), owner, static_cast<gid_t>(-1)) != 0)) Throw(to);
  off_t hole_end = 0;
  while (true) {
    const ssize_t n = read(in.get(), buffer.data(), buffer.size());
    if (n < 0) Throw(from);
    if (n == 0) break;
    const std::string_view piece(buffer.data(), static_cast<size_t>(n));
    // The first segment of the write-ahead log is zero but for its beginning.
    if (piece.size() == kPiece && IsZero(piece.data(), piece.size())) {
      hole_end = lseek(out.get(), n, SEEK_CUR);
      continue;
    }
    hole_end = 0;
    if (WriteAll(out.get(), piece) != 0) Throw(to);
  }
  if (hole_end > 0 && ftruncate(out.get(), hole_end) != 0) Throw(to);
}

void MakeDirectory(const fs::path& path, uid_t owner) {
  if (mkdir(path.c_str(), 0700) != 0) Throw(path);
  if (owner != geteuid() && chown(path.c_str(), owner, static_cast<gid_t>(-1)) != 0) Throw(path);
}

}  // namespace

void CopyCluster(const fs::path& from, const fs::path& to, uid_t owner) {
  std::vector<char> buffer(kPiece);
  MakeDirectory(to, owner);
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(from)) {
    const fs::path copy = to.native() + entry.path().native().substr(from.native().size());
    if (entry.is_directory()) {
      MakeDirectory(copy, owner);
    } else {
      CopyFile(entry.path(), copy, owner, buffer);
    }
  }
}

}  // namespace rotv::testing
