// The status of sources as metrics, in Prometheus' text format.

#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "cli/report/status_report.h"

namespace rotv::report {

// Names, units and meanings are in docs/after-a-pull.md. What cannot be told has no sample.
// Format: "Exposition formats" of Prometheus' manual, version 0.0.4.
class StatusMetrics {
 public:
  // Of one source. `asked`: the source was asked, too.
  void Add(const StatusReport& report, const StatusView& view, AskSource asked);
  // Of one whose status could not be read.
  void AddUnreadable(const std::string& source);

  // Each family with its samples, in the table's order.
  std::string Text() const;

 private:
  void AddSlot(const std::string& source, const SlotStatus& slot);
  void Add(const char* name, const std::string& source, double value);

  std::map<std::string, std::vector<std::pair<std::string, double>>> samples_;  // By family: source and value.
};

}  // namespace rotv::report
