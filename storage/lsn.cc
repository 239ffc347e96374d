#include "storage/lsn.h"

#include <fmt/format.h>

#include <charconv>

namespace rotv {
namespace {

std::optional<uint32_t> ParseHex(std::string_view text) {
  uint32_t value = 0;
  if (text.empty() || text.size() > 8) return std::nullopt;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

std::optional<Lsn> Lsn::Parse(std::string_view text) {
  size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  std::optional<uint32_t> high = ParseHex(text.substr(0, slash));
  std::optional<uint32_t> low = ParseHex(text.substr(slash + 1));
  if (!high || !low) return std::nullopt;
  return Lsn(uint64_t{*high} << 32 | *low);
}

std::string Lsn::ToString() const {
  return fmt::format("{:X}/{:X}", static_cast<uint32_t>(value_ >> 32), static_cast<uint32_t>(value_));
}

}  // namespace rotv
