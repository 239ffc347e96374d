#include "cli/config/pattern_parts.h"

#include <algorithm>

namespace rotv::config {

std::optional<std::vector<std::string>> PatternParts(std::string_view text) {
  std::vector<std::string> parts(1);
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') {
      if (quoted && i + 1 < text.size() && text[i + 1] == '"') {
        parts.back().push_back('"');
        ++i;
      } else {
        quoted = !quoted;
      }
    } else if (text[i] == '.' && !quoted) {
      parts.emplace_back();
    } else {
      parts.back().push_back(text[i]);
    }
  }
  const bool any_empty = std::any_of(parts.begin(), parts.end(), [](const std::string& part) { return part.empty(); });
  if (quoted || any_empty) return std::nullopt;
  return parts;
}

}  // namespace rotv::config
