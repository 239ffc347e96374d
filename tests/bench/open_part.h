// Measures what it costs to open a store, whose files are held against its manifest, and to read all of it.

#pragma once

#include <filesystem>

#include "tests/bench/report.h"
#include "tests/bench/start_part.h"

namespace rotv::bench {

struct OpenSamples {
  Samples large{"status --offline of the store"};
  Samples small{"status --offline of a store of one row"};
  Samples read{"check --read-data"};
};

// `home` and `config` have a store of the source; one of a single row is made in `directory`. The commands alternate,
// `repeat` times.
OpenSamples MeasureOpen(testing::PostgresServer& source, const std::filesystem::path& home,
                        const std::filesystem::path& config, int repeat, const std::filesystem::path& directory,
                        const SyncCommand& sync, const Measurer& measure);

}  // namespace rotv::bench
