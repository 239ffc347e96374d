// Measures what the order of the keys costs: a table whose keys grow as rows are added against one whose keys are
// random.

#pragma once

#include <cstdint>
#include <filesystem>

#include "tests/bench/report.h"
#include "tests/bench/start_part.h"

namespace rotv::bench {

// Of one kind of keys.
struct KindSamples {
  Samples baseline, seed, dump, first_pull;
  uint64_t plain_bytes = 0;
  uint64_t store_bytes = 0;  // After the baseline.
  // Of a seed, for each GB of it.
  double SecondsPerGb() const { return seed.Median() * 1e9 / static_cast<double>(plain_bytes); }
};

struct KeysSamples {
  KindSamples growing{.baseline = {"baseline, growing keys"},
                      .seed = {"materialize, growing keys"},
                      .dump = {"pg_dump -f, growing keys"},
                      .first_pull = {"the same, growing keys"}};
  KindSamples random{.baseline = {"baseline, random keys"},
                     .seed = {"materialize, random keys"},
                     .dump = {"pg_dump -f, random keys"},
                     .first_pull = {"the first pull after a baseline, random keys"}};
};

// Makes a database with a table of so many rows for each kind; baseline, `repeat` seeds and dumps in turn, and a pull
// of a thousandth of the rows.
KeysSamples MeasureKeys(testing::PostgresServer& source, int64_t rows, int repeat,
                        const std::filesystem::path& directory, const SyncCommand& sync, const Measurer& measure);

}  // namespace rotv::bench
