// Describes one step of the timeline that a diff shows.

#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace rotv::history {

// The transactions committed in one stretch of the time between two points.
struct TimelineStep {
  int64_t begin_us = 0;
  int64_t end_us = 0;
  uint64_t transactions = 0;
  std::vector<std::pair<std::string, uint64_t>> rows;  // Rows by table, named as in TableDiff, in order of the names.
};

}  // namespace rotv::history
