#include "sync/mask/letter_case.h"

#include <algorithm>
#include <iterator>

namespace rotv::mask {
namespace {

struct Alphabet {
  uint32_t lower;    // The first letter, and
  uint32_t last;     // the last one, in lower case.
  int32_t to_upper;  // From the lower to the upper case.
  uint32_t step;     // 2 where upper and lower case alternate.
};

// Letters without a case pair of their own, or with another pair in some locale, are left out: ß, ÿ, ı and İ, ſ, ĸ, ŉ,
// final sigma, digraphs.
constexpr Alphabet kAlphabets[] = {
    {'a', 'z', -0x20, 1},
    {0xE0, 0xF6, -0x20, 1},
    {0xF8, 0xFE, -0x20, 1},
    {0x101, 0x12F, -1, 2},
    {0x133, 0x137, -1, 2},
    {0x13A, 0x148, -1, 2},
    {0x14B, 0x177, -1, 2},
    {0x17A, 0x17E, -1, 2},
    {0x1A1, 0x1A5, -1, 2},
    {0x1B0, 0x1B0, -1, 2},
    {0x1CE, 0x1DC, -1, 2},
    {0x1DF, 0x1EF, -1, 2},
    {0x1F9, 0x21F, -1, 2},
    {0x223, 0x233, -1, 2},
    {0x259, 0x259, 0x18F - 0x259, 1},
    {0x3AC, 0x3AC, 0x386 - 0x3AC, 1},
    {0x3AD, 0x3AF, 0x388 - 0x3AD, 1},
    {0x3B1, 0x3C1, -0x20, 1},  // Greek.
    {0x3C3, 0x3CB, -0x20, 1},
    {0x3CC, 0x3CC, 0x38C - 0x3CC, 1},
    {0x3CD, 0x3CE, 0x38E - 0x3CD, 1},
    {0x430, 0x44F, -0x20, 1},  // Cyrillic.
    {0x450, 0x45F, -0x50, 1},
    {0x461, 0x481, -1, 2},
    {0x48B, 0x4BF, -1, 2},
    {0x4D1, 0x52F, -1, 2},
    {0x561, 0x586, -0x30, 1},  // Armenian.
    {0x1E01, 0x1E95, -1, 2},
    {0x1EA1, 0x1EFF, -1, 2},  // Vietnamese.
    {0xFF41, 0xFF5A, -0x20, 1},
};

uint32_t Upper(const Alphabet& alphabet, uint32_t lower) {
  return static_cast<uint32_t>(static_cast<int32_t>(lower) + alphabet.to_upper);
}

constexpr uint32_t BlockOf(uint32_t code) { return code >> 7; }

}  // namespace

std::optional<CasedLetter> CasedLetterOf(uint32_t code) {
  if (code >= 'a' && code <= 'z') return CasedLetter{'a', code - 'a', 26, false};
  if (code >= 'A' && code <= 'Z') return CasedLetter{'a', code - 'A', 26, true};
  if (code < 0x80) return std::nullopt;
  for (const Alphabet& alphabet : kAlphabets) {
    for (const bool upper : {false, true}) {
      const uint32_t first = upper ? Upper(alphabet, alphabet.lower) : alphabet.lower;
      const uint32_t letter = (code - first) / alphabet.step;
      const uint32_t letters = (alphabet.last - alphabet.lower) / alphabet.step + 1;
      if (code < first || letter >= letters || (code - first) % alphabet.step != 0) continue;
      return CasedLetter{alphabet.lower, letter, letters, upper};
    }
  }
  return std::nullopt;
}

uint32_t CodeOf(const CasedLetter& letter) {
  const auto* alphabet = std::find_if(std::begin(kAlphabets), std::end(kAlphabets),
                                      [&](const Alphabet& one) { return one.lower == letter.alphabet; });
  const uint32_t lower = letter.alphabet + letter.letter * alphabet->step;
  return letter.upper ? Upper(*alphabet, lower) : lower;
}

bool HasCasedLetters(uint32_t code) {
  return std::any_of(std::begin(kAlphabets), std::end(kAlphabets), [&](const Alphabet& one) {
    return (BlockOf(one.lower) <= BlockOf(code) && BlockOf(code) <= BlockOf(one.last)) ||
           (BlockOf(Upper(one, one.lower)) <= BlockOf(code) && BlockOf(code) <= BlockOf(Upper(one, one.last)));
  });
}

size_t DecodeUtf8(std::string_view text, uint32_t* code) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  const size_t length = first >= 0xF0 && first <= 0xF4  ? 4
                        : first >= 0xE0 && first < 0xF0 ? 3
                        : first >= 0xC2 && first < 0xE0 ? 2
                                                        : 0;
  if (length == 0 || text.size() < length) return 0;
  *code = first & (0x7FU >> length);
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
    *code = *code << 6 | (byte(i) & 0x3FU);
  }
  return length;
}

void AppendUtf8(uint32_t code, std::string* out) {
  if (code < 0x800) {
    out->push_back(static_cast<char>(0xC0 | code >> 6));
  } else {
    if (code < 0x10000) {
      out->push_back(static_cast<char>(0xE0 | code >> 12));
    } else {
      out->push_back(static_cast<char>(0xF0 | code >> 18));
      out->push_back(static_cast<char>(0x80 | (code >> 12 & 0x3F)));
    }
    out->push_back(static_cast<char>(0x80 | (code >> 6 & 0x3F)));
  }
  out->push_back(static_cast<char>(0x80 | (code & 0x3F)));
}

std::string LowerCase(std::string_view text, Lowering lowering) {
  std::string lower;
  lower.reserve(text.size());
  while (!text.empty()) {
    uint32_t code = 0;
    const size_t length = lowering == Lowering::kUnicode ? DecodeUtf8(text, &code) : 0;
    std::optional<CasedLetter> letter;
    if (length > 0) letter = CasedLetterOf(code);
    if (letter && letter->upper) {
      letter->upper = false;
      AppendUtf8(CodeOf(*letter), &lower);
    } else if (length > 0) {
      lower += text.substr(0, length);
    } else {
      const char c = text.front();
      lower.push_back(static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c));
    }
    text.remove_prefix(std::max<size_t>(length, 1));
  }
  return lower;
}

}  // namespace rotv::mask
