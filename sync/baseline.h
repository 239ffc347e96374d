// Takes the first complete copy of a source, at the exported snapshot of its new replication slot.

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

// What becomes of a baseline that was interrupted: --restart begins again.
enum class Unfinished { kGoOn, kRestart };

struct BaselineOptions {
  Replace replace = Replace::kRefuse;  // --force
  Unfinished unfinished = Unfinished::kGoOn;
  // Says whether a server with unlimited max_slot_wal_keep_size is refused: a forgotten slot would fill its disk.
  capture::WalLimit wal_limit = capture::WalLimit::kRequired;
};

struct BaselineResult {
  Lsn lsn;
  uint64_t tables = 0;
  uint64_t rows = 0;
  uint64_t row_bytes = 0;                  // As text, uncompressed.
  bool went_on = false;                    // An interrupted baseline was completed.
  uint64_t tables_kept = 0;                // Tables that were complete before, and were not copied again.
  uint64_t rows_copied = 0;                // By this run.
  uint64_t store_bytes = 0;                // On disk.
  uint64_t wire_bytes = 0;                 // Received over SSH; 0 without.
  int reconnects = 0;                      // How often the link broke. Numbers are those of all attempts.
  std::vector<std::string> carried_masks;  // Like PullResult's.
  double seconds = 0;
};

// Builds a new store beside the old one, which stays usable until the new one is complete and is then removed, together
// with its slot and publication. Connects again when the link breaks, and goes on with the tables that are complete
// (LinkRetry). If it is killed, interrupted or loses the source for good (kUnreachable) after some tables are complete,
// these stay, with slot and publication, and the next call goes on with them. Otherwise it leaves nothing behind,
// neither here nor on the source, as far as the source can still be reached; the next command cleans up after a killed
// run. Throws kUsage if a baseline exists and must not be replaced; kRefused if the source is not fit (doctor says the
// same).
BaselineResult TakeBaseline(const Context& context, const BaselineOptions& options);

// Removes an unfinished baseline here and on the source. Returns what was here of it ("41 of 60 tables are here"), or
// nothing if there is none.
std::optional<std::string> DiscardUnfinished(const Context& context);

// Takes a baseline if there is none, or goes on with an unfinished one, and does nothing if there is one: another run
// may have taken it while this one waited.
std::optional<BaselineResult> TakeMissingBaseline(const Context& context);

}  // namespace rotv
