// Measures what a remote costs its publisher and its followers, in a real S3 store on this machine.

#pragma once

#include <cstdint>

#include "tests/bench/bench_data.h"
#include "tests/bench/measured_source.h"
#include "tests/bench/report.h"

namespace rotv::bench {

struct RemoteSamples {
  Samples baseline{"baseline through ssh"};
  Samples publish_all{"publish, everything"};
  Samples from_nothing{"pull from S3, from nothing"};
  Samples nothing_new{"pull from S3, nothing new"};
  Samples pull{"pull of 1 % through ssh"};
  Samples publish{"publish of 1 %"};
  Samples follow{"pull of 1 % from S3"};
  uint64_t store_bytes = 0;         // Of the publisher, after the baseline.
  uint64_t from_nothing_bytes = 0;  // Of objects.
  uint64_t follow_bytes = 0;        // The same, of 1 %.
  uint64_t pull_bytes = 0;          // Both ways through ssh, of another 1 %.
  size_t from_nothing_requests = 0;
  size_t follow_requests = 0;
  size_t nothing_new_requests = 0;
  size_t publish_requests = 0;
  // A pull that is many publications behind, and one publication of the same changes.
  struct {
    int count = 0;
    uint64_t bytes = 0;
    uint64_t bytes_at_once = 0;
    size_t requests = 0;
  } behind;
  // All at once from nothing, while 1 % more is pulled and published.
  struct {
    int count = 0;  // 0: there was no room for them.
    double seconds = 0;
    double processor_seconds = 0;
    double publish_seconds = 0;  // Of the publication meanwhile.
    int64_t peak_kib = 0;
  } followers;
};

// Throws std::runtime_error if a follower's seed is not that of the publisher.
RemoteSamples MeasureRemote(MeasuredSource& source, const DataSize& size, int repeat);

}  // namespace rotv::bench
