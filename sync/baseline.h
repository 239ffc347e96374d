// The first complete copy of a source, at the snapshot that its new replication slot exported.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "storage/lsn.h"
#include "sync/capture/check.h"
#include "sync/context/context.h"

namespace rotv {

enum class Replace { kRefuse, kAllow };

struct BaselineOptions {
  Replace replace = Replace::kRefuse;  // --force
  // Whether a server whose max_slot_wal_keep_size is unlimited is refused: a forgotten slot would fill its disk.
  capture::WalLimit wal_limit = capture::WalLimit::kRequired;
};

struct BaselineResult {
  Lsn lsn;
  uint64_t tables = 0;
  uint64_t rows = 0;
  uint64_t row_bytes = 0;                  // As text, uncompressed.
  uint64_t store_bytes = 0;                // On disk.
  uint64_t wire_bytes = 0;                 // Received over SSH; 0 without.
  std::vector<std::string> carried_masks;  // As PullResult's.
  double seconds = 0;
};

// Builds a new store beside the old one, which stays usable until the new one is complete and then goes, together with
// its slot and publication. When it throws, nothing is left behind here or on the source, as far as the source can
// still be reached; a killed run is cleaned up by the next command. Throws kUsage if a baseline exists and must not be
// replaced; kRefused if the source is not fit (doctor says the same).
BaselineResult TakeBaseline(const Context& context, const BaselineOptions& options);

// The same where there is none, and nothing where there is one: another run may have taken it while this one waited.
std::optional<BaselineResult> TakeMissingBaseline(const Context& context);

}  // namespace rotv
