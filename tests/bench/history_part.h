// Measures the cost of old points, differences and gc.

#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "tests/bench/bench_data.h"
#include "tests/bench/report.h"
#include "tests/bench/start_part.h"

namespace rotv::bench {

struct HistorySamples {
  Samples at_head{"materialize"};
  Samples at_old{"materialize --at, a million changes ago"};
  Samples diff{"snapshot diff of 1,000 changes"};
  Samples gc{"gc --keep-days 0"};
  uint64_t changes = 0;       // Between the old point and the head, roughly.
  int64_t growth = 0;         // Bytes by which the store grew; a pull that merges runs makes it smaller.
  uint64_t bytes_before = 0;  // Size of the store, before and after gc.
  uint64_t bytes_after = 0;
};

// `sync` makes the command `rotv-sync` with the given arguments, on a home that has a store of the source. Changes the
// source and pulls.
HistorySamples MeasureHistory(const testing::PostgresServer& source, const DataSize& size, int repeat,
                              const std::function<testing::Command(const std::vector<std::string>&)>& sync,
                              const std::filesystem::path& output, const Measurer& measure);

}  // namespace rotv::bench
