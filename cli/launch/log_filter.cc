#include "cli/launch/log_filter.h"

#include <utility>

namespace rotv::launch {

std::string LogFilter::Feed(std::string_view piece) {
  rest_ += piece;
  std::string lines;
  size_t start = 0;
  for (size_t end; (end = rest_.find('\n', start)) != std::string::npos; start = end + 1) {
    const std::string_view line = std::string_view(rest_).substr(start, end + 1 - start);
    if (IsWanted(line)) lines += line;
  }
  rest_.erase(0, start);
  return lines;
}

std::string LogFilter::Rest() { return IsWanted(rest_) ? std::exchange(rest_, "") : ""; }

bool LogFilter::IsWanted(std::string_view line) {
  LogPart part = LogPart::kApplication;
  if (line.starts_with("rotv: ")) {
    part = LogPart::kEntrypoint;
  } else if (line.starts_with("postgres: ") || (line.starts_with('\t') && last_ == LogPart::kPostgres)) {
    part = LogPart::kPostgres;
  }
  last_ = part;
  return wanted_ == LogPart::kAll || wanted_ == part;
}

}  // namespace rotv::launch
