#include "sync/formats/text_hash.h"

#include <bit>
#include <cstring>

namespace rotv::formats {
namespace {

struct State {
  uint32_t a, b, c;

  void Mix() {
    a -= c, a ^= std::rotl(c, 4), c += b;
    b -= a, b ^= std::rotl(a, 6), a += c;
    c -= b, c ^= std::rotl(b, 8), b += a;
    a -= c, a ^= std::rotl(c, 16), c += b;
    b -= a, b ^= std::rotl(a, 19), a += c;
    c -= b, c ^= std::rotl(b, 4), b += a;
  }

  void Finish() {
    c ^= b, c -= std::rotl(b, 14);
    a ^= c, a -= std::rotl(c, 11);
    b ^= a, b -= std::rotl(a, 25);
    c ^= b, c -= std::rotl(b, 16);
    a ^= c, a -= std::rotl(c, 4);
    b ^= a, b -= std::rotl(a, 14);
    c ^= b, c -= std::rotl(b, 24);
  }
};

constexpr size_t kBlock = 12;

// Reads a little-endian word, on any machine.
uint32_t Word(const unsigned char* bytes) {
  return static_cast<uint32_t>(bytes[0]) | static_cast<uint32_t>(bytes[1]) << 8 |
         static_cast<uint32_t>(bytes[2]) << 16 | static_cast<uint32_t>(bytes[3]) << 24;
}

constexpr uint32_t EachOf4(uint8_t byte) { return uint32_t{0x01010101} * byte; }

// Puts 0x1F in the place of each tab. All of this is done while the hash waits for its own last step, so it costs next
// to nothing; a copy of the text in which they are replaced costs as much as the hash.
constexpr uint32_t WithoutTabs(uint32_t word) {
  const uint32_t no_tabs = word ^ EachOf4('\t');
  // The high bit of each byte that was a tab. It is exact: nothing carries from one byte to the next.
  const uint32_t tabs = ~(((no_tabs & EachOf4(0x7F)) + EachOf4(0x7F)) | no_tabs | EachOf4(0x7F));
  return word ^ ((tabs >> 7) * ('\t' ^ 0x1F));
}

enum class Tabs { kStay, kReplaced };

template <Tabs tabs>
uint64_t Hash(std::string_view text, uint64_t seed) {
  const auto word_at = [](const unsigned char* bytes) {
    return tabs == Tabs::kReplaced ? WithoutTabs(Word(bytes)) : Word(bytes);
  };
  const uint32_t start = 0x9e3779b9 + static_cast<uint32_t>(text.size()) + 3923095;
  State state{start, start, start};
  if (seed != 0) {
    state.a += static_cast<uint32_t>(seed >> 32);
    state.b += static_cast<uint32_t>(seed);
    state.Mix();
  }
  const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
  size_t left = text.size();
  for (; left >= kBlock; bytes += kBlock, left -= kBlock) {
    state.a += word_at(bytes);
    state.b += word_at(bytes + 4);
    state.c += word_at(bytes + 8);
    state.Mix();
  }
  // The remaining bytes are padded with zeros. The lowest byte of the third word belongs to the length, so the bytes of
  // that word are one place higher.
  unsigned char rest[kBlock + 1] = {};
  if (left != 0) std::memcpy(rest, bytes, left);
  state.a += word_at(rest);
  state.b += word_at(rest + 4);
  state.c += word_at(rest + 8) << 8;
  state.Finish();
  return static_cast<uint64_t>(state.b) << 32 | state.c;
}

}  // namespace

uint64_t HashText(std::string_view text, uint64_t seed) { return Hash<Tabs::kStay>(text, seed); }

uint64_t HashTextBetweenTabs(std::string_view text) { return Hash<Tabs::kReplaced>(text, 0); }

}  // namespace rotv::formats
