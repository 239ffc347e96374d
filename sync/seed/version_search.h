// Searches all row versions of a store, not only those of its head, for values of masked columns.

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
  const proto::SchemaVersion& schema;  // The head's schema.
  const mask::MaskHistory& history;
  const ValueFinder& finder;
  const std::map<std::string, SampledRows>& rows;  // Like those of SeedSearchRequest.
  const std::vector<bool>& unlike;
  Progress& progress;
  const Interrupt& interrupt;
};

struct VersionFinds {
  // In how many versions, other than the head's, an owner's values occur, by owner and column.
  std::map<std::pair<size_t, std::string>, uint64_t> found;
  uint64_t versions = 0;  // Versions that were searched.
};

// A value in a column that was masked when its version was stored may be fake, and is compared as SearchSeed() does; so
// is one that was stored before its column had a rule. Throws kInterrupted, and kCorrupt on a failed checksum.
VersionFinds SearchVersions(const VersionSearchRequest& request);

}  // namespace rotv::seed
