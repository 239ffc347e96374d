// Measures the time that `rotv start` takes until the application answers, compared with doing the same by hand.

#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "tests/bench/bench_data.h"
#include "tests/bench/report.h"
#include "tests/support/servers/rotv_home.h"

namespace rotv::bench {

// Runs a command and records its time.
using Measurer = std::function<void(const testing::Command& command, Samples* samples)>;

// Makes the command `rotv-sync` with the given arguments, on a home with a config.
using SyncCommand = std::function<testing::Command(
    const std::filesystem::path& home, const std::filesystem::path& config, const std::vector<std::string>& arguments)>;

struct StartSamples {
  Samples first{"rotv start, nothing warm"};
  Samples restart{"rotv restart, the same point"};
  Samples after_pull{"rotv start after a pull of 1 %"};
  Samples after_migration{"rotv start after a migration"};
  Samples fresh{"rotv run --fresh -- true"};
  Samples by_hand{"initdb, psql -f, the application"};
  uint64_t warm_bytes = 0;  // Of the warm clusters at the end of the first run.
  // Memory that was in use for one and for two started databases, page cache included; 0 if it was not measured.
  uint64_t one_bytes = 0;
  uint64_t two_bytes = 0;
};

// `home` has a store of the source, which changes. All variants but `fresh` end with the first reply of the same
// application; the cluster is on /dev/shm each time, where nothing larger is chosen. They alternate, `repeat` times.
StartSamples MeasureStart(testing::RotvHome& source, const DataSize& size, const std::filesystem::path& home,
                          int repeat, const Measurer& measure);

}  // namespace rotv::bench
