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

// Measures a table with `rows` rows in a new database of its own. `directory` is for configs and homes; `sync` makes
// the command `rotv-sync` with the given arguments, on a home with a config.
MaskSamples MeasureMask(
    testing::PostgresServer& source, int64_t rows, int repeat, const std::filesystem::path& directory,
    const std::function<testing::Command(const std::filesystem::path& home, const std::filesystem::path& config,
                                         const std::vector<std::string>& arguments)>& sync,
    const Measurer& measure);

}  // namespace rotv::bench
