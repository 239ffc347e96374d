#include "sync/formats/text_encoding.h"

#include <fmt/format.h>

#include <cstdint>
#include <cstring>

#include "storage/error.h"

namespace rotv::formats {
namespace {

struct Named {
  std::string_view name;
  TextEncoding encoding;
};
constexpr Named kLongerThanAByte[] = {
    {"UTF8", TextEncoding::kUtf8},          {"EUC_JP", TextEncoding::kEucJp}, {"EUC_JIS_2004", TextEncoding::kEucJp},
    {"EUC_CN", TextEncoding::kEucCn},       {"EUC_KR", TextEncoding::kEucCn}, {"EUC_TW", TextEncoding::kEucTw},
    {"MULE_INTERNAL", TextEncoding::kMule},
};
constexpr std::string_view kOneByteFamilies[] = {"SQL_ASCII", "LATIN", "WIN", "KOI8", "ISO_8859_"};

bool InRange(uint8_t byte, uint8_t first, uint8_t last) { return byte >= first && byte <= last; }
bool IsEucByte(uint8_t byte) { return InRange(byte, 0xA1, 0xFE); }
bool IsHigh(uint8_t byte) { return byte >= 0x80; }

// Each of these functions gives the size of the character that starts at `at`, whose first byte is not ASCII; 0 if it
// is not a valid one. `left` is the number of bytes from there to the end of the text.
size_t Utf8Size(const uint8_t* at, size_t left) {
  auto follows = [&](size_t count) {
    if (left <= count) return false;
    for (size_t i = 2; i <= count; ++i) {
      if (!InRange(at[i], 0x80, 0xBF)) return false;
    }
    return true;
  };
  const uint8_t first = at[0];
  if (InRange(first, 0xC2, 0xDF)) return follows(1) && InRange(at[1], 0x80, 0xBF) ? 2 : 0;
  if (InRange(first, 0xE0, 0xEF)) {
    // Overlong forms and surrogates are invalid.
    const uint8_t low = first == 0xE0 ? 0xA0 : 0x80;
    const uint8_t high = first == 0xED ? 0x9F : 0xBF;
    return follows(2) && InRange(at[1], low, high) ? 3 : 0;
  }
  if (InRange(first, 0xF0, 0xF4)) {
    const uint8_t low = first == 0xF0 ? 0x90 : 0x80;
    const uint8_t high = first == 0xF4 ? 0x8F : 0xBF;
    return follows(3) && InRange(at[1], low, high) ? 4 : 0;
  }
  return 0;
}

size_t EucJpSize(const uint8_t* at, size_t left) {
  if (at[0] == 0x8E) return left >= 2 && InRange(at[1], 0xA1, 0xDF) ? 2 : 0;
  if (at[0] == 0x8F) return left >= 3 && IsEucByte(at[1]) && IsEucByte(at[2]) ? 3 : 0;
  return left >= 2 && IsEucByte(at[0]) && IsEucByte(at[1]) ? 2 : 0;
}

size_t EucCnSize(const uint8_t* at, size_t left) { return left >= 2 && IsEucByte(at[0]) && IsEucByte(at[1]) ? 2 : 0; }

size_t EucTwSize(const uint8_t* at, size_t left) {
  if (at[0] == 0x8E) {
    return left >= 4 && InRange(at[1], 0xA1, 0xA7) && IsEucByte(at[2]) && IsEucByte(at[3]) ? 4 : 0;
  }
  return at[0] != 0x8F && left >= 2 && IsEucByte(at[1]) ? 2 : 0;
}

size_t MuleSize(const uint8_t* at, size_t left) {
  size_t size = 1;
  if (InRange(at[0], 0x81, 0x8D)) size = 2;
  if (InRange(at[0], 0x90, 0x9B)) size = 3;
  if (InRange(at[0], 0x9C, 0x9D)) size = 4;
  if (left < size) return 0;
  for (size_t i = 1; i < size; ++i) {
    if (!IsHigh(at[i])) return 0;
  }
  return size;
}

template <size_t (*CharacterSize)(const uint8_t*, size_t)>
bool IsMadeOf(std::string_view text) {
  const auto* at = reinterpret_cast<const uint8_t*>(text.data());
  const uint8_t* end = at + text.size();
  while (at != end) {
    constexpr uint64_t kTopBits = 0x8080808080808080;
    for (uint64_t word; end - at >= 8; at += 8) {
      std::memcpy(&word, at, sizeof word);
      if ((word & kTopBits) != 0) break;
    }
    for (; at != end && !IsHigh(*at); ++at) continue;
    for (; at != end && IsHigh(*at);) {
      const size_t size = CharacterSize(at, static_cast<size_t>(end - at));
      if (size == 0) return false;
      at += size;
    }
  }
  return true;
}

}  // namespace

TextEncoding EncodingNamed(std::string_view name) {
  for (const Named& named : kLongerThanAByte) {
    if (name == named.name) return named.encoding;
  }
  for (std::string_view family : kOneByteFamilies) {
    if (name.starts_with(family)) return TextEncoding::kOneByte;
  }
  throw Error(ErrorCode::kProtocol, fmt::format("\"{}\" is not an encoding that a database can have", name));
}

bool IsEncoded(TextEncoding encoding, std::string_view text) {
  switch (encoding) {
    case TextEncoding::kOneByte:
      return true;
    case TextEncoding::kUtf8:
      return IsMadeOf<Utf8Size>(text);
    case TextEncoding::kEucJp:
      return IsMadeOf<EucJpSize>(text);
    case TextEncoding::kEucCn:
      return IsMadeOf<EucCnSize>(text);
    case TextEncoding::kEucTw:
      return IsMadeOf<EucTwSize>(text);
    case TextEncoding::kMule:
      return IsMadeOf<MuleSize>(text);
  }
  return false;
}

}  // namespace rotv::formats
