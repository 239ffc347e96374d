// Searches a seed for values of masked columns.

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

// Returns the seeds in `home` that `rotv-sync materialize` and `rotv start` write for this source, in order of name.
std::vector<std::filesystem::path> SeedsOf(const std::filesystem::path& home, const std::string& source,
                                           bool source_is_default);

// Rows of the source by the values of their keys, which are not masked.
struct SampledRows {
  struct Value {
    std::string column;
    std::string text;  // COPY text, escaped.
    size_t owner;
  };
  std::vector<std::string> key;                                 // The key's columns.
  std::map<std::string, std::vector<Value>, std::less<>> rows;  // By the key's fields, with tabs between them.
};

struct SeedSearchRequest {
  const proto::SchemaVersion& schema;
  const ValueFinder& finder;
  const std::map<std::string, SampledRows>& rows;  // By the quoted names of tables.
  const std::vector<bool>& unlike;  // For each owner: true if its rule never makes a value that some other row really
                                    // had.
  const Interrupt& interrupt;
};

// Returns in how many lines each owner's values occur. A value in a column that `schema` has masked (known by its name)
// may be fake, and equal a real value of another row: it is compared with the value that its own row has on the source,
// and otherwise only with values of owners whose rules make no real values. Throws what ForEachSeedLine() does, and
// kInterrupted.
std::map<size_t, uint64_t> SearchSeed(const std::filesystem::path& seed, const SeedSearchRequest& request);

}  // namespace rotv::seed
