// A snapshot on its way to somebody who has no access to the source.

#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "storage/lsn.h"
#include "sync/context/context.h"
#include "sync/history/snapshot_signature.h"

namespace rotv {

struct ExportResult {
  Lsn lsn;
  int64_t time_us = 0;  // Of the state, by the source's clock.
  uint64_t rows = 0;
  uint64_t bytes = 0;  // Of the file; 0 where it is none (a pipe).
  double seconds = 0;
  std::string public_key;  // Of whom signed it; empty: nobody.
};

enum class Signing { kNone, kOwnKey };

struct ExportRequest {
  std::string snapshot;  // "head", "baseline" or a name.
  std::filesystem::path file;
  Signing signing = Signing::kNone;  // kOwnKey: ReadSigningKey().
};

// Packs a snapshot into one compressed file with all that a seed of it needs. The old file stays until the new one is
// complete. Throws kUsage if there is no such snapshot, kDisk if the file cannot be written.
ExportResult ExportSnapshot(const Context& context, const ExportRequest& request);

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
  std::optional<history::PublicKey> verify = {};     // By whom it must be signed; nothing: it need not be.
};

// Makes a source of the file that can be materialized, compared and started, but has nothing to pull from. One that was
// imported under this name before is replaced, once the new one is complete; its snapshots stay. The file is trusted
// with nothing: its schema and rows are checked as a source's are, and memory stays bounded, but for one that is signed
// as asked for, whose rows may be of any size. Throws kUsage if the file is none, if the name is taken by a source of
// the config or one that was pulled; kCorrupt if the file is damaged, not signed as asked for, or holds what no export
// has written.
ImportResult ImportSnapshot(const std::filesystem::path& home, const ImportRequest& request, Progress& progress,
                            const Interrupt& interrupt);

}  // namespace rotv
