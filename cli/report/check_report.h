// Formats the result of check as text and as JSON.

#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "cli/output/output.h"
#include "sync/check_store.h"

namespace rotv::report {

// A file that is made of a store and is not what was written: a seed, a warm cluster, a note of one.
struct DamagedDerivative {
  std::filesystem::path path;
  std::string problem;
};

struct CheckView {
  std::vector<CheckResult> sources;
  std::vector<DamagedDerivative> derived;
  std::vector<std::string> in_use;  // Sources that were not checked, since another run has them: what it says.
  double seconds = 0;

  uint64_t damages() const;
};

std::string CheckText(const CheckView& view);
output::Json CheckJson(const CheckView& view);

}  // namespace rotv::report
