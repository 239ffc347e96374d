// What `rotv start` takes until the application answers, against the way by hand.

#pragma once

#include <filesystem>
#include <functional>

#include "tests/bench/report.h"
#include "tests/support/servers/rotv_home.h"

namespace rotv::bench {

// How a command is run and its time kept.
using Measurer = std::function<void(const testing::Command& command, Samples* samples)>;

struct StartSamples {
  Samples start{"rotv start, seed there"};
  Samples restart{"rotv restart, seed unchanged"};
  Samples by_hand{"initdb, psql -f, the application"};
};

// `home` holds a store of the source. All three end with the first answer of the same application; the cluster is on
// /dev/shm each time. Alternating, `repeat` times.
StartSamples MeasureStart(const testing::RotvHome& source, const std::filesystem::path& home, int repeat,
                          const Measurer& measure);

}  // namespace rotv::bench
