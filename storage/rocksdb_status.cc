#include "storage/rocksdb_status.h"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <string>

#include "storage/atomic_file.h"
#include "storage/corrupt.h"
#include "storage/open_files.h"
#include "storage/view_path.h"

namespace rotv {
namespace {

struct Reason {
  std::filesystem::path file;
  int error_number = 0;
};

// RocksDB tells what it did, the file, and last the C library's words for an errno: "IO error: No space left on device:
// While appending to file: /home/store/000012.log: No space left on device". Gives nullopt for anything else.
std::optional<Reason> ReasonIn(const std::string& text, const std::filesystem::path& directory) {
  constexpr std::array kKnown = {ENOSPC, EDQUOT, EIO, EACCES, EPERM, EROFS, EFBIG};
  for (const int error_number : kKnown) {
    const std::string words = std::string(": ") + strerror(error_number);
    if (!text.ends_with(words)) continue;
    const std::string before = text.substr(0, text.size() - words.size());
    const size_t file = before.find(directory.string());
    return Reason{.file = file == std::string::npos ? directory : std::filesystem::path(before.substr(file)),
                  .error_number = error_number};
  }
  return std::nullopt;
}

}  // namespace

bool IsForOpenFiles(const rocksdb::Status& status) {
  if (!status.IsIOError()) return false;
  const std::string text = status.ToString();  // There is no code of its own for this.
  return text.ends_with(std::strerror(EMFILE)) || text.ends_with(std::strerror(ENFILE));
}

void CheckStatus(const rocksdb::Status& status, const std::filesystem::path& directory) {
  if (status.ok()) return;
  if (IsForOpenFiles(status))
    throw TooManyFiles(WithoutViews(fmt::format("the store in {} failed", directory.string())));
  if (status.IsNoSpace() || status.ToString().find("No space left") != std::string::npos) {
    ThrowDiskError("write to", directory / "store", ENOSPC);
  }
  if (status.IsCorruption() || status.IsPathNotFound()) {
    ThrowDamaged(directory, status.ToString());
  }
  // The status has no code of its own for this; "lock" alone would also match a directory's name.
  const std::string text = status.ToString();
  if (text.find("While lock file") != std::string::npos ||
      text.find("lock hold by current process") != std::string::npos) {
    throw Error(ErrorCode::kInUse, fmt::format("the store in {} is in use by another process", directory.string()),
                "wait until it has ended, then run the command again");
  }
  if (const std::optional<Reason> reason = ReasonIn(text, directory)) {
    ThrowDiskError("read or write", reason->file, reason->error_number);
  }
  throw Error(ErrorCode::kDisk,
              WithoutViews(fmt::format("the store in {} failed: {}", directory.string(), status.ToString())),
              "check the disk that holds it");
}

}  // namespace rotv
