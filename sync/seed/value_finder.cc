#include "sync/seed/value_finder.h"

#include <cstring>

namespace rotv::seed {

uint64_t ValueFinder::StartOf(const char* text) {
  uint64_t start = 0;
  std::memcpy(&start, text, sizeof(start));
  return start;
}

void ValueFinder::Add(std::string_view value, size_t owner) {
  const uint64_t start = StartOf(value.data());
  starts_.set(BitOf(start));
  by_start_[start].push_back({std::string(value), owner});
}

void ValueFinder::Find(std::string_view text, const std::function<void(size_t owner)>& found) const {
  for (size_t at = 0; at + kShortest <= text.size(); ++at) {
    const uint64_t start = StartOf(text.data() + at);
    if (!starts_.test(BitOf(start))) continue;
    const auto values = by_start_.find(start);
    if (values == by_start_.end()) continue;
    for (const Value& value : values->second) {
      if (text.substr(at).starts_with(value.text)) found(value.owner);
    }
  }
}

}  // namespace rotv::seed
