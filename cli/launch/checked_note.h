// Notes beside files that can be made again (seeds, warm clusters): JSON with a checksum of the note itself, so
// that a note is either what was written, or is not there.

#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace rotv::launch {

// Replaces the note atomically. `note` is an object; what it says of its file's bytes is in "sum".
void WriteCheckedNote(const std::filesystem::path& path, nlohmann::json note);

// A file that is not what was written.
struct DamagedFile {
  std::filesystem::path path;
  std::string problem;
};

// Gives nothing if there is no note, or if it is not what was written. One of an older program has no checksums.
std::optional<nlohmann::json> ReadCheckedNote(const std::filesystem::path& path);

}  // namespace rotv::launch
