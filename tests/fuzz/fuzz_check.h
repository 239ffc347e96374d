// Checks a claim of a fuzz target, in every kind of build.

#pragma once

#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "storage/error.h"

namespace rotv {

inline void FuzzCheck(bool holds, const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
  if (holds) return;
  std::fprintf(stderr, "%s:%d: a claim does not hold\n", file, line);
  std::abort();
}

// Does something that may be refused, and only so: with an Error of this code. Returns false if it was.
template <typename Action>
bool AcceptedOr(ErrorCode code, Action action, const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
  try {
    action();
    return true;
  } catch (const Error& error) {
    FuzzCheck(error.code() == code, file, line);
    return false;
  }
}

// Takes parts of an input, so that one input can choose several things.
class FuzzInput {
 public:
  explicit FuzzInput(std::string_view bytes) : rest_(bytes) {}

  bool empty() const { return rest_.empty(); }
  unsigned char Byte() {
    if (rest_.empty()) return 0;
    const auto byte = static_cast<unsigned char>(rest_.front());
    rest_.remove_prefix(1);
    return byte;
  }
  // The bytes up to the next newline, which is taken too.
  std::string_view Line() {
    const size_t end = rest_.find('\n');
    const std::string_view line = rest_.substr(0, end);
    rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
    return line;
  }
  std::string_view Bytes(size_t most) {
    const std::string_view bytes = rest_.substr(0, most);
    rest_.remove_prefix(bytes.size());
    return bytes;
  }
  std::string_view Rest() { return Bytes(rest_.size()); }

 private:
  std::string_view rest_;
};

}  // namespace rotv
