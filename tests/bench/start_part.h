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

// Memory that was in use for one and for two started databases, page cache included; 0 if it was not measured.
struct MemoryOfTwo {
  uint64_t one = 0;
  uint64_t two = 0;
};

struct StartSamples {
  Samples first{"rotv start, nothing warm"};
  Samples restart{"rotv restart, the same point"};
  Samples after_pull{"rotv start after a pull of 1 %"};
  Samples after_migration{"rotv start after a migration"};
  Samples fresh{"rotv run --fresh -- true"};
  Samples by_hand{"initdb, psql -f, the application"};
  uint64_t warm_bytes = 0;  // Of the warm clusters at the end of the first run.
  MemoryOfTwo memory;       // With what is chosen for the size: a copy up to 1 GiB.
};

// `home` has a store of the source, which changes. All variants but `fresh` end with the first reply of the same
// application; the cluster is on /dev/shm each time, where nothing larger is chosen. They alternate, `repeat` times.
StartSamples MeasureStart(testing::RotvHome& source, const DataSize& size, const std::filesystem::path& home,
                          int repeat, const Measurer& measure);

// Databases on overlays, of the source's size and of 3.3 GB more.
struct OverlaySamples {
  Samples small{"rotv run --fresh -- true, overlay"};
  Samples large{"rotv run --fresh -- true, overlay, 3.3 GB more"};
  uint64_t small_bytes = 0;  // Of the warm clusters.
  uint64_t large_bytes = 0;
  MemoryOfTwo memory;  // Of large ones.
};

// The source gets a table of 10,000,000 rows.
OverlaySamples MeasureOverlays(testing::RotvHome& source, const DataSize& size, const std::filesystem::path& home,
                               int repeat, const Measurer& measure);

}  // namespace rotv::bench
