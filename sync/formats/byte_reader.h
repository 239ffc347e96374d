// ByteReader reads the numbers and strings of PostgreSQL's wire formats from the front of a byte string. Pure: no I/O.
// Every string_view points into the bytes given. Every read throws Error(kProtocol) when the bytes run out, so that a
// message is never half decoded; call Finish() last, which refuses bytes that are left over.

#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>
#include <type_traits>

#include "storage/error.h"
#include "storage/lsn.h"

namespace rotv::formats {

class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : position_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  // Integers are big-endian.
  uint8_t Uint8() { return Integer<uint8_t>(); }
  uint16_t Uint16() { return Integer<uint16_t>(); }
  uint32_t Uint32() { return Integer<uint32_t>(); }
  uint64_t Uint64() { return Integer<uint64_t>(); }
  char Char() { return static_cast<char>(Uint8()); }
  Lsn ReadLsn() { return Lsn(Uint64()); }

  // Reads a time (on the wire, microseconds since 2000-01-01) as Unix time in microseconds.
  int64_t UnixTimeUs() { return static_cast<int64_t>(Uint64() + kUnixTimeOfEpochUs); }

  // Returns `count`, the number of following items of at least `least_size` bytes each. Throws if so many cannot fit
  // into the remaining bytes, so that the caller may reserve memory for them without trusting the sender.
  size_t CheckedCount(size_t count, size_t least_size) const {
    if (count > remaining() / least_size) ThrowEndsEarly();
    return count;
  }

  // Reads the bytes up to the next zero byte, which is consumed too.
  std::string_view CString() {
    const void* zero = remaining() == 0 ? nullptr : std::memchr(position_, 0, remaining());
    if (zero == nullptr) ThrowEndsEarly();
    std::string_view text(position_, static_cast<size_t>(static_cast<const char*>(zero) - position_));
    position_ += text.size() + 1;
    return text;
  }

  std::string_view Bytes(size_t size) {
    if (size > remaining()) ThrowEndsEarly();
    std::string_view bytes(position_, size);
    position_ += size;
    return bytes;
  }

  std::string_view Rest() { return Bytes(remaining()); }

  size_t remaining() const { return static_cast<size_t>(end_ - position_); }

  // Throws Error(kProtocol) if bytes are left over.
  void Finish() const {
    if (position_ != end_) throw Error(ErrorCode::kProtocol, "a message from the source is longer than it should be");
  }

  // The Unix time of 2000-01-01, in microseconds: the difference between times on the wire and Unix time.
  static constexpr uint64_t kUnixTimeOfEpochUs = 946'684'800'000'000;

 private:
  template <typename T>
  T Integer() {
    static_assert(std::is_unsigned_v<T>);
    if (sizeof(T) > remaining()) ThrowEndsEarly();
    uint64_t value = 0;  // Compilers turn this loop into one load and one byte swap.
    for (size_t i = 0; i < sizeof(T); ++i) value = value << 8 | static_cast<uint8_t>(position_[i]);
    position_ += sizeof(T);
    return static_cast<T>(value);
  }

  // Out of line, since reads are inlined and run a million times a second: they should not hold code for messages.
  [[noreturn, gnu::noinline, gnu::cold]] static void ThrowEndsEarly() {
    throw Error(ErrorCode::kProtocol, "a message from the source ends early");
  }

  const char* position_;
  const char* end_;
};

}  // namespace rotv::formats
