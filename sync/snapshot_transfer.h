// A snapshot on its way to somebody who has no access to the source.

#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "storage/lsn.h"
#include "sync/context.h"

namespace rotv {

struct ExportResult {
  Lsn lsn;
  int64_t time_us = 0;  // Of the state, by the source's clock.
  uint64_t rows = 0;
  uint64_t bytes = 0;  // Of the file; 0 where it is none (a pipe).
  double seconds = 0;
};

// Packs "head", "baseline" or a snapshot into one compressed file with all that a seed of it needs. The old file stays
// until the new one is complete. Throws kUsage if there is no such snapshot, kDisk if the file cannot be written.
ExportResult ExportSnapshot(const Context& context, const std::string& name, const std::filesystem::path& file);

struct ImportResult {
  std::string source;  // What it is called here.
  std::string exported_source;
  std::string exported_name;
  Lsn lsn;
  int64_t time_us = 0;
  uint64_t rows = 0;
  double seconds = 0;
};

struct ImportRequest {
  std::filesystem::path file;
  std::string as;                                    // Empty: SOURCE-SNAPSHOT, as they were called.
  std::function<bool(const std::string&)> is_taken;  // Whether the config has a source of this name.
};

// Makes a source of the file that can be materialized, compared and started, but has nothing to pull from. One that was
// imported under this name before is replaced, once the new one is complete; its snapshots stay. Throws kUsage if the
// file is none, if the name is taken by a source of the config or one that was pulled; kCorrupt if the file is damaged.
ImportResult ImportSnapshot(const std::filesystem::path& home, const ImportRequest& request, Progress& progress,
                            const Interrupt& interrupt);

}  // namespace rotv
