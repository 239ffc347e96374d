// Saves what can still be read of a store of which tables are damaged.

#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "storage/data_file.h"
#include "storage/row_version.h"

namespace rotv {

struct SalvageRequest {
  std::filesystem::path from;     // The damaged store. Nothing in it is changed.
  std::filesystem::path to;       // An empty directory on the same file system, which gets the new store.
  std::vector<DataFile> damaged;  // Files of rows and of the change log, which are left out.
};

struct SalvageResult {
  std::vector<TableEpoch> lost;  // The epochs that lack rows now; they serve no state any more.
  std::set<TableId> to_resync;   // The tables whose last epoch that was: the next pull copies them.
  bool log_lost = false;         // The change log begins again.
};

// Makes a store in `to` with all that is in `from` but those files. Most rows that it keeps are shared with `from` (by
// hard links) and not written again. No process may have either open for writing. Throws kCorrupt if `from` has more
// damage than that, kDisk; then `to` is of no use.
SalvageResult Salvage(const SalvageRequest& request);

}  // namespace rotv
