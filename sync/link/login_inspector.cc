#include "sync/link/login_inspector.h"

#include <cstddef>
#include <cstdint>

// The inspector holds back a partial message until it is complete, so that libpq never sees the begin of one that is
// refused. It knows one state, "the login is not over", in which only two types of message are legal: 'R'
// (authentication) and 'E' (error). Everything else is refused instead of skipped: a message that is not understood
// could hide the request. The request is recognised from its first nine bytes whatever its length field says, so that a
// wrong length cannot smuggle it past. After AuthenticationOk or an error the password is no longer at stake, and bytes
// pass unread.

namespace rotv::link {
namespace {

constexpr size_t kHeaderBytes = 5;           // Type, and a length that includes itself.
constexpr size_t kLongestMessage = 1 << 16;  // Messages of a login are far shorter.
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

// Moves one message from held_ to `passed`. False if there is no complete one, or if it must not pass.
bool LoginInspector::TakeMessage(std::string& passed) {
  if (held_.empty()) return false;
  if (held_[0] == 'E') {  // An error, in any version of the protocol: libpq never continues after one.
    over_ = true;
    return true;
  }
  if (held_[0] != 'R') {
    objection_ = "the server sent a message that does not belong in a login";
    return false;
  }
  if (held_.size() < kHeaderBytes + 4) return false;
  const size_t length = NumberAt(held_, 1);
  const uint32_t method = NumberAt(held_, kHeaderBytes);
  if (method == kCleartextPassword) {
    objection_ = "the server asks for the password in clear text, and nothing proves that it is the right server";
    return false;
  }
  if (length < 8 || length > kLongestMessage) {
    objection_ = "the server sent a message that does not belong in a login";
    return false;
  }
  if (held_.size() < 1 + length) return false;
  passed.append(held_, 0, 1 + length);
  held_.erase(0, 1 + length);
  over_ = method == kAuthenticationOk;
  return true;
}

}  // namespace rotv::link
