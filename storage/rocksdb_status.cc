#include "storage/rocksdb_status.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>

#include "storage/atomic_file.h"
#include "storage/corrupt.h"
#include "storage/open_files.h"

namespace rotv {

bool IsForOpenFiles(const rocksdb::Status& status) {
  if (!status.IsIOError()) return false;
  const std::string text = status.ToString();  // There is no code of its own for this.
  return text.ends_with(std::strerror(EMFILE)) || text.ends_with(std::strerror(ENFILE));
}

void CheckStatus(const rocksdb::Status& status, const std::filesystem::path& directory) {
  if (status.ok()) return;
  if (IsForOpenFiles(status)) ThrowTooManyFiles(fmt::format("the store in {} failed", directory.string()));
  if (status.IsNoSpace() || status.ToString().find("No space left") != std::string::npos) {
    ThrowDiskError("write to", directory / "store", ENOSPC);
  }
  if (status.IsCorruption()) {
    ThrowDamaged(directory, status.ToString());
  }
  // The status has no code of its own for this; "lock" alone would also match a directory's name.
  const std::string text = status.ToString();
  if (text.find("While lock file") != std::string::npos ||
      text.find("lock hold by current process") != std::string::npos) {
    throw Error(ErrorCode::kInUse, fmt::format("the store in {} is in use by another process", directory.string()),
                "wait until it has ended, then run the command again");
  }
  throw Error(ErrorCode::kDisk, fmt::format("the store in {} failed: {}", directory.string(), status.ToString()),
              "check the disk that holds it");
}

}  // namespace rotv
