#include "storage/row_key.h"

#include <xxhash.h>

#include <charconv>
#include <cstring>

#include "storage/error.h"

namespace rotv {
namespace {

[[noreturn]] void ThrowNoKey() {
  throw Error(ErrorCode::kCorrupt, "the store holds a row without its key",
              "take a new baseline: rotv-sync baseline --force");
}

}  // namespace

void AppendBigEndian32(uint32_t value, std::string* out) {
  value = __builtin_bswap32(value);
  out->append(reinterpret_cast<const char*>(&value), sizeof value);
}

void AppendBigEndian64(uint64_t value, std::string* out) {
  value = __builtin_bswap64(value);
  out->append(reinterpret_cast<const char*>(&value), sizeof value);
}

uint64_t ReadBigEndian64(const char* bytes) {
  uint64_t value;
  memcpy(&value, bytes, sizeof value);
  return __builtin_bswap64(value);
}

void AppendIntegerKey(std::string_view text, std::string* key) {
  int64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    throw Error(ErrorCode::kProtocol, "the source sent a key of an integer column that is not a number");
  }
  AppendBigEndian64(static_cast<uint64_t>(value) ^ (uint64_t{1} << 63), key);
}

void AppendTextKey(std::string_view text, std::string* key) {
  while (true) {
    size_t zero = text.find('\0');
    key->append(text.substr(0, zero));
    if (zero == std::string_view::npos) break;
    key->append("\x00\xFF", 2);
    text.remove_prefix(zero + 1);
  }
  key->append("\x00\x01", 2);
}

int64_t TakeIntegerKey(std::string_view* key) {
  if (key->size() < sizeof(int64_t)) ThrowNoKey();
  uint64_t value = ReadBigEndian64(key->data()) ^ (uint64_t{1} << 63);
  key->remove_prefix(sizeof value);
  return static_cast<int64_t>(value);
}

std::string TakeTextKey(std::string_view* key) {
  std::string text;
  for (;;) {
    size_t zero = key->find('\0');
    if (zero == std::string_view::npos || zero + 1 == key->size()) ThrowNoKey();
    const char mark = (*key)[zero + 1];
    const bool at_end = mark == '\x01';
    if (!at_end && mark != '\xFF') ThrowNoKey();
    text.append(key->substr(0, zero));
    key->remove_prefix(zero + 2);
    if (at_end) return text;
    text.push_back('\0');
  }
}

void AppendMultisetKey(std::string_view copy_line, std::string* key) {
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits(copy_line.data(), copy_line.size()));
  key->append(reinterpret_cast<const char*>(canonical.digest), sizeof canonical.digest);
}

std::string AfterPrefix(std::string prefix) {
  while (!prefix.empty() && prefix.back() == '\xFF') prefix.pop_back();
  if (!prefix.empty()) prefix.back() = static_cast<char>(prefix.back() + 1);
  return prefix;
}

}  // namespace rotv
