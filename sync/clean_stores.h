// Says what the stores in a home directory are there for, and removes those that are of no use any more.

#pragma once

#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "sync/history/point.h"

namespace rotv {

struct StoredItem {
  enum class Kind {
    kInUse,       // The store of a source, or one of a source whose records cannot be read.
    kKept,        // An earlier store, for its snapshots.
    kUnfinished,  // A baseline that was interrupted, and may go on.
    kDamaged,     // What a repair has set aside.
    kUnknown,     // No record names it.
    kSubset,      // The store of a subset that is published: it can be made again, which others then take as a whole.
    kLeftover,    // Of runs that were killed, or could not remove it.
  };
  Kind kind = Kind::kInUse;
  std::string source;
  std::filesystem::path path;
  uint64_t bytes = 0;
};

// Lists the stores of all sources, by source. Waits for nobody.
std::vector<StoredItem> ListStored(const std::filesystem::path& home);

// Removes the stores of a source that are of these kinds; only kDamaged, kUnknown, kSubset and kLeftover are
// removed. Throws SourceInUse if another process works on the source or publishes a subset of it, kCorrupt if its
// records are damaged, kDisk.
void FreeStored(const std::filesystem::path& home, const std::string& source, const std::set<StoredItem::Kind>& kinds);

// True if the state is stored, so that a seed of it can be written again.
bool IsStored(const std::filesystem::path& home, const std::string& source, const history::ResolvedPoint& point);

}  // namespace rotv
