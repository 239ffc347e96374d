// What masking costs a baseline.

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

// Of a table with `rows` rows in a database of its own, which is made. `directory` is for configs and homes; `sync` is
// `rotv-sync` on a home with a config, with these arguments.
MaskSamples MeasureMask(
    testing::PostgresServer& source, int64_t rows, int repeat, const std::filesystem::path& directory,
    const std::function<testing::Command(const std::filesystem::path& home, const std::filesystem::path& config,
                                         const std::vector<std::string>& arguments)>& sync,
    const Measurer& measure);

}  // namespace rotv::bench
