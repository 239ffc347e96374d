#include "storage/view_path.h"

namespace rotv {

std::string WithoutViews(std::string text) {
  const std::string part = std::string("/") + kReadersName + "/";
  const std::string store = "/store-";
  constexpr size_t kRandom = 6;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
    const size_t length = part.size() + kRandom;
    if (text.size() > at + length && text.compare(at + length, store.size(), store) == 0) text.erase(at, length);
  }
  return text;
}

}  // namespace rotv
