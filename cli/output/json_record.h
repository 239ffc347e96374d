// Reads the small JSON files that this program keeps for itself.

#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>

namespace rotv::output {

// Returns the object in a file; nothing if there is no such file, or if it holds something else. Its numbers are whole:
// others have no meaning in a record, and cannot be converted to what its fields are.
std::optional<nlohmann::json> ReadJsonRecord(const std::filesystem::path& path);

}  // namespace rotv::output
