#include "cli/report/status_line.h"

#include <fmt/format.h>

#include "cli/output/format.h"

namespace rotv::report {

std::string StatusLine(std::string_view label, std::string_view text) {
  return fmt::format("{} {}\n", output::PadRight(label, 10), text);
}

}  // namespace rotv::report
