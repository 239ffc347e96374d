// Small files that carry a checksum of their content, so that one that is torn or has a flipped bit is not believed.
//
//   rotv-sync file 1 <16 hex digits: XXH3 of the content, 64 bits>\n<content>

#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace rotv {

// Replaces the file atomically and durably, like WriteFileAtomically().
void WriteCheckedFile(const std::filesystem::path& path, std::string_view content);

struct CheckedContent {
  std::string content;
  bool checked = true;  // False for a file that has no checksum: one of an older program, or a damaged one.
};
// Gives nullopt if there is no such file. Throws kCorrupt if the content does not have its checksum, kDisk if the file
// cannot be read.
std::optional<CheckedContent> ReadCheckedFile(const std::filesystem::path& path);

}  // namespace rotv
