#include "sync/remote/relative_part.h"

namespace rotv::remote {
namespace {

// Takes a dot from the front; false if there is none.
bool TakeDot(std::string_view* text) {
  for (const std::string_view dot : {".", "%2e", "%2E"}) {
    if (!text->starts_with(dot)) continue;
    text->remove_prefix(dot.size());
    return true;
  }
  return false;
}

}  // namespace

bool HasRelativePart(std::string_view path) {
  while (true) {
    const size_t end = path.find('/');
    std::string_view part = path.substr(0, end);
    if (TakeDot(&part)) {
      (void)TakeDot(&part);
      if (part.empty()) return true;
    }
    if (end == std::string_view::npos) return false;
    path.remove_prefix(end + 1);
  }
}

}  // namespace rotv::remote
