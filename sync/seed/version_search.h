// Looks for values of masked columns in all row versions of a store, and not in those of its head only.

#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "storage/interrupt.h"
#include "storage/row_store.h"
#include "sync/context/progress.h"
#include "sync/mask/mask_history.h"
#include "sync/seed/seed_search.h"
#include "sync/seed/value_finder.h"

namespace rotv::seed {

struct VersionSearchRequest {
  const RowStore& store;
  const proto::SchemaVersion& schema;  // The head's.
  const mask::MaskHistory& history;
  const ValueFinder& finder;
  const std::map<std::string, SampledRows>& rows;  // As SeedSearchRequest has them.
  const std::vector<bool>& unlike;
  Progress& progress;
  const Interrupt& interrupt;
};

struct VersionFinds {
  // In how many versions that are not the head's values of an owner stand, by owner and column.
  std::map<std::pair<size_t, std::string>, uint64_t> found;
  uint64_t versions = 0;  // Looked through.
};

// What stands in a column that was masked when the version came may have been made, and is compared as SearchSeed()
// does; so is what came before its column had a rule. Throws kInterrupted, and kCorrupt on a failed checksum.
VersionFinds SearchVersions(const VersionSearchRequest& request);

}  // namespace rotv::seed
