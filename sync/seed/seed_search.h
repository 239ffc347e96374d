// Looks for values of masked columns in a seed.

#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "proto/store.pb.h"
#include "storage/interrupt.h"
#include "sync/seed/value_finder.h"

namespace rotv::seed {

// The seeds in `home` that `rotv-sync materialize` and `rotv start` write for this source, by name.
std::vector<std::filesystem::path> SeedsOf(const std::filesystem::path& home, const std::string& source,
                                           bool source_is_default);

// Rows of the source, by what stands in their keys, which are not masked.
struct SampledRows {
  struct Value {
    std::string column;
    std::string text;  // Of COPY: escaped.
    size_t owner;
  };
  std::vector<std::string> key;                                 // Columns.
  std::map<std::string, std::vector<Value>, std::less<>> rows;  // By the key's fields, tabs between them.
};

struct SeedSearchRequest {
  const proto::SchemaVersion& schema;
  const ValueFinder& finder;
  const std::map<std::string, SampledRows>& rows;  // By the quoted names of tables.
  const std::vector<bool>& unlike;  // Of each owner: what its rule makes is never what another value was.
  const Interrupt& interrupt;
};

// In how many lines values of each owner stand. What stands in a column that `schema` has masked (known by its name)
// may have been made, and be the value of another row: it is compared with what its own row has on the source, and
// beyond that only with values of owners whose rules make nothing that is real. Throws what ForEachSeedLine() does, and
// kInterrupted.
std::map<size_t, uint64_t> SearchSeed(const std::filesystem::path& seed, const SeedSearchRequest& request);

}  // namespace rotv::seed
