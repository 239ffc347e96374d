#include "storage/page_keys.h"

#include <charconv>
#include <optional>

#include "storage/corrupt.h"
#include "storage/row_key.h"
#include "storage/varint.h"

namespace rotv {
namespace {

// More columns than this are in no key of PostgreSQL.
constexpr uint64_t kMostParts = 32;

// The field with this number; nullopt if there is none.
std::optional<std::string_view> FieldOf(std::string_view line, uint32_t column) {
  for (; column > 0; --column) {
    const size_t tab = line.find('\t');
    if (tab == std::string_view::npos) return std::nullopt;
    line.remove_prefix(tab + 1);
  }
  return line.substr(0, line.find('\t'));
}

bool AppendField(std::string_view field, bool integer, std::string* key) {
  if (!integer) {
    // COPY writes NULL and every special character with a backslash.
    if (field.find('\\') != std::string_view::npos) return false;
    AppendTextKey(field, key);
    return true;
  }
  int64_t value = 0;
  const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), value);
  if (error != std::errc() || end != field.data() + field.size()) return false;
  AppendBigEndian64(static_cast<uint64_t>(value) ^ (uint64_t{1} << 63), key);
  return true;
}

}  // namespace

PageKeys PageKeys::Guess(std::string_view row_key, std::string_view line) {
  PageKeys keys;
  while (!row_key.empty()) {
    bool found = false;
    std::string part;
    for (uint32_t column = 0; !found; ++column) {
      const std::optional<std::string_view> field = FieldOf(line, column);
      if (!field || keys.parts_.size() == kMostParts) return {};
      for (const bool integer : {true, false}) {
        part.clear();
        found = AppendField(*field, integer, &part) && row_key.starts_with(part);
        if (!found) continue;
        keys.parts_.push_back({column, integer});
        row_key.remove_prefix(part.size());
        break;
      }
    }
  }
  return keys;
}

bool PageKeys::Append(std::string_view line, std::string* row_key) const {
  for (const Part& part : parts_) {
    const std::optional<std::string_view> field = FieldOf(line, part.column);
    if (!field || !AppendField(*field, part.integer, row_key)) return false;
  }
  return true;
}

void PageKeys::Encode(std::string* out) const {
  AppendVarint(parts_.size(), out);
  for (const Part& part : parts_) AppendVarint(uint64_t{part.column} << 1 | (part.integer ? 1 : 0), out);
}

PageKeys PageKeys::Take(std::string_view* bytes) {
  const std::optional<uint64_t> count = TakeVarint(bytes);
  if (!count || *count > kMostParts) ThrowCorrupt("a page with a broken number");
  PageKeys keys;
  for (uint64_t i = 0; i < *count; ++i) {
    const std::optional<uint64_t> part = TakeVarint(bytes);
    if (!part || *part >> 1 > UINT32_MAX) ThrowCorrupt("a page with a broken number");
    keys.parts_.push_back({static_cast<uint32_t>(*part >> 1), (*part & 1) != 0});
  }
  return keys;
}

}  // namespace rotv
