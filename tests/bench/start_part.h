// Measures the time that `rotv start` takes until the application answers, compared with doing the same by hand.

#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "tests/bench/report.h"
#include "tests/support/servers/rotv_home.h"

namespace rotv::bench {

// Runs a command and records its time.
using Measurer = std::function<void(const testing::Command& command, Samples* samples)>;

// Makes the command `rotv-sync` with the given arguments, on a home with a config.
using SyncCommand = std::function<testing::Command(
    const std::filesystem::path& home, const std::filesystem::path& config, const std::vector<std::string>& arguments)>;

struct StartSamples {
  Samples start{"rotv start, seed there"};
  Samples restart{"rotv restart, seed unchanged"};
  Samples by_hand{"initdb, psql -f, the application"};
};

// `home` has a store of the source. All three variants end with the first reply of the same application; the cluster is
// on /dev/shm each time. They alternate, `repeat` times.
StartSamples MeasureStart(const testing::RotvHome& source, const std::filesystem::path& home, int repeat,
                          const Measurer& measure);

}  // namespace rotv::bench
