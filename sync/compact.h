// Merges the files of a store that pulls have added, when no command waits for it. Reads merge them as they go until
// then, which is somewhat slower.

#pragma once

#include <cstdint>

#include "sync/context/context.h"

namespace rotv {

class RowStore;

struct CompactResult {
  bool begun = false;   // False only with Manner::kIdle: another command had the source, or there was nothing to do.
  bool merged = false;  // Files were merged.
  uint64_t bytes_before = 0;  // Of the store on disk.
  uint64_t bytes_after = 0;
  double seconds = 0;
};

// kNow: like any command, it keeps others waiting. kIdle: does nothing if another command has the source; this process
// gives way to everything else that runs on the machine, for good, and ends without returning, with exit code 0, as
// soon as another command wants the source.
enum class Manner { kNow, kIdle };

// Merges the files of the source's store. A kill at any moment does no harm; the next call goes on. Throws kUsage if
// there is no store.
CompactResult Compact(const Context& context, Manner manner);

// Merges them now only if there are so many that reads would take much memory: where nothing ran Compact() for long.
void CompactIfMuchIsOwed(RowStore& store);

}  // namespace rotv
