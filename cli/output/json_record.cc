#include "cli/output/json_record.h"

#include <algorithm>
#include <fstream>

namespace rotv::output {

std::optional<nlohmann::json> ReadJsonRecord(const std::filesystem::path& path) {
  std::ifstream file(path);
  nlohmann::json record = nlohmann::json::parse(file, nullptr, false);
  if (!record.is_object()) return std::nullopt;
  const auto has_fraction = [](const nlohmann::json& value) { return value.is_number_float(); };
  if (std::any_of(record.begin(), record.end(), has_fraction)) return std::nullopt;
  return record;
}

}  // namespace rotv::output
