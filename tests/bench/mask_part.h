// Measures what masking costs a baseline.

#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "tests/bench/report.h"
#include "tests/bench/start_part.h"

namespace rotv::bench {

struct MaskSamples {
  Samples plain{"baseline of one table"};
  Samples masked{"baseline of one table, ten columns masked"};
};

// Measures a table with `rows` rows in a new database of its own. `directory` is for configs and homes.
MaskSamples MeasureMask(testing::PostgresServer& source, int64_t rows, int repeat,
                        const std::filesystem::path& directory, const SyncCommand& sync, const Measurer& measure);

}  // namespace rotv::bench
