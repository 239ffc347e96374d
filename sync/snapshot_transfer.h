// Exports a snapshot to a file and imports it, for people who have no access to the source.

#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "storage/lsn.h"
#include "sync/context/context.h"
#include "sync/context/signing_key.h"

namespace rotv {

struct ExportResult {
  Lsn lsn;
  int64_t time_us = 0;  // The time of the state, by the source's clock.
  uint64_t rows = 0;
  uint64_t bytes = 0;  // Size of the file; 0 if it is none (a pipe).
  double seconds = 0;
  std::string public_key;  // The signer's key; empty if it is not signed.
};

enum class Signing { kNone, kOwnKey };

struct ExportRequest {
  std::string snapshot;  // A point, as OpenPoint() takes it.
  std::filesystem::path file;
  Signing signing = Signing::kNone;  // kOwnKey: ReadSigningKey().
};

// Packs a snapshot into one compressed file with everything that a seed of it needs. The old file stays until the new
// one is complete. Throws kUsage if there is no such snapshot, kDisk if the file cannot be written.
ExportResult ExportSnapshot(const Context& context, const ExportRequest& request);

struct ImportResult {
  std::string source;  // Its name here.
  std::string exported_source;
  std::string exported_name;
  Lsn lsn;
  int64_t time_us = 0;
  uint64_t rows = 0;
  double seconds = 0;
};

struct ImportRequest {
  std::filesystem::path file;
  std::string as;                                    // Empty: SOURCE-SNAPSHOT, by their names at the export.
  std::function<bool(const std::string&)> is_taken;  // Returns true if the config has a source of this name.
  std::optional<PublicKey> verify = {};              // The key that must have signed it; nothing: no signature is
                                                     // needed.
};

// Creates a source from the file that can be materialized, compared and started, but not pulled. A source that was
// imported under this name before is replaced once the new one is complete; its snapshots stay. Nothing in the file is
// trusted: its schema and rows are checked like a source's, and memory stays bounded, except that rows may be of any
// size if the file has the required signature. Throws kUsage if the file is not a snapshot's, or if the name is taken
// by a source of the config or one that was pulled; kCorrupt if the file is damaged, not signed as required, or
// contains what no export has written.
ImportResult ImportSnapshot(const std::filesystem::path& home, const ImportRequest& request, Progress& progress,
                            const Interrupt& interrupt);

}  // namespace rotv
