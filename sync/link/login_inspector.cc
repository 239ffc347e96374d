#include "sync/link/login_inspector.h"

#include <cstddef>
#include <cstdint>

namespace rotv::link {
namespace {

constexpr size_t kHeaderBytes = 5;           // Type, and a length that includes itself.
constexpr size_t kLongestMessage = 1 << 16;  // Those of a login are shorter by far.
constexpr uint32_t kAuthenticationOk = 0;
constexpr uint32_t kCleartextPassword = 3;

uint32_t NumberAt(std::string_view bytes, size_t offset) {
  uint32_t number = 0;
  for (size_t i = 0; i < 4; ++i) number = number << 8 | static_cast<unsigned char>(bytes[offset + i]);
  return number;
}

}  // namespace

std::string LoginInspector::Feed(std::string_view bytes) {
  std::string passed;
  if (!objection_.empty()) return passed;
  held_.append(bytes);
  while (!over_ && objection_.empty() && TakeMessage(passed)) {
  }
  if (over_) {
    passed += held_;
    held_.clear();
  }
  return passed;
}

// Moves one message from held_ to `passed`; false if there is none, or none that may pass.
bool LoginInspector::TakeMessage(std::string& passed) {
  if (held_.empty()) return false;
  if (held_[0] == 'E') {  // An error, in whatever version of the protocol: libpq never goes on after one.
    over_ = true;
    return true;
  }
  if (held_[0] != 'R') {
    objection_ = "the server sends what has no place in a login";
    return false;
  }
  if (held_.size() < kHeaderBytes + 4) return false;
  const size_t length = NumberAt(held_, 1);
  const uint32_t method = NumberAt(held_, kHeaderBytes);
  if (method == kCleartextPassword) {
    objection_ = "the server asks for the password in clear, and nothing proves that it is the right one";
    return false;
  }
  if (length < 8 || length > kLongestMessage) {
    objection_ = "the server sends what has no place in a login";
    return false;
  }
  if (held_.size() < 1 + length) return false;
  passed.append(held_, 0, 1 + length);
  held_.erase(0, 1 + length);
  over_ = method == kAuthenticationOk;
  return true;
}

}  // namespace rotv::link
