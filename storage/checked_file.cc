#include "storage/checked_file.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <xxhash.h>

#include <cerrno>

#include "storage/atomic_file.h"
#include "storage/error.h"

namespace rotv {
namespace {

constexpr std::string_view kMagic = "rotv-sync file 1 ";
constexpr size_t kSumDigits = 16;

std::string Header(std::string_view content) {
  return fmt::format("{}{:016x}\n", kMagic, XXH3_64bits(content.data(), content.size()));
}

}  // namespace

void WriteCheckedFile(const std::filesystem::path& path, std::string_view content) {
  WriteFileAtomically(path, Header(content) + std::string(content));
}

std::optional<CheckedContent> ReadCheckedFile(const std::filesystem::path& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0 && errno == ENOENT) return std::nullopt;
  std::string bytes = ReadFile(path);
  if (!bytes.starts_with(kMagic)) return CheckedContent{.content = std::move(bytes), .checked = false};
  const size_t header = kMagic.size() + kSumDigits + 1;
  std::string content = bytes.size() < header ? "" : bytes.substr(header);
  if (!bytes.starts_with(Header(content))) {
    throw Error(ErrorCode::kCorrupt, fmt::format("{} is damaged: its checksum is wrong", path.string()));
  }
  return CheckedContent{.content = std::move(content), .checked = true};
}

}  // namespace rotv
