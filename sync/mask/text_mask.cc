#include "sync/mask/text_mask.h"

#include <array>

#include "sync/mask/letter_case.h"
#include "sync/mask/permutation.h"

namespace rotv::mask {

// A text keeps its shape: everything that is no letter or digit stays, and each other character becomes one of its own
// alphabet. All texts of one shape are numbered, each character being a digit whose base is the size of its alphabet,
// and the number is permuted (permutation.h) with the shape as context. So different texts of one shape stay different,
// and texts of different shapes keep different shapes. A text whose shape has more than 2^62 texts cannot be numbered
// in a word; its characters are drawn from a hash of the text instead, where two results meet as rarely as two hashes
// do. Permuting pieces of it by themselves would show where two texts have the same piece.
//
// If the column ignores case, the number is computed from letters without their case, and the result gets the case of
// the original: texts that are equal there stay equal, whichever lower() the database has.
//
// A value may be a gigabyte long, so it is not split into parts in memory but read once to number it and once more to
// write the result.

namespace {

// One character of the text, which is replaced by one of `radix` characters that begin with `base`; radix 0: it stays
// as it is.
struct Part {
  uint32_t base = 0;
  uint32_t value = 0;
  uint32_t radix = 0;
  // kLower and kUpper are letters of the alphabet `base`.
  enum class Form { kByte, kUtf8, kLower, kUpper } form = Form::kByte;
};

// Letters of the same script are in blocks of 128.
Part PartOfCode(uint32_t code) {
  constexpr uint32_t kLatin1Letters = 0xC0, kAfterLatin1 = 0x100;
  if (code < kLatin1Letters) return {code, 0, 0, Part::Form::kUtf8};  // Latin-1's punctuation.
  if (code < kAfterLatin1) return {kLatin1Letters, code - kLatin1Letters, 64, Part::Form::kUtf8};
  return {code & ~0x7FU, code & 0x7F, 128, Part::Form::kUtf8};
}

Part PartOfByte(unsigned char c) {
  auto in = [c](unsigned char first, unsigned char last) { return c >= first && c <= last; };
  if (in('0', '9')) return {'0', static_cast<uint32_t>(c - '0'), 10};
  if (in('a', 'z')) return {'a', static_cast<uint32_t>(c - 'a'), 26};
  if (in('A', 'Z')) return {'A', static_cast<uint32_t>(c - 'A'), 26};
  // Other encodings that a server can have use such bytes for letters, or as halves of letters of two bytes.
  if (in(0xA1, 0xFE)) return {0xA1, static_cast<uint32_t>(c - 0xA1), 0xFE - 0xA1 + 1};
  return {c};
}

// Maps both cases of a letter to the same letter of the same alphabet, so that the number of a text ignores case. The
// few letters of these scripts that have no other case stay: any letter that they became would be the image of another
// one as well.
Part CasedPart(const Part& part, uint32_t code) {
  const std::optional<CasedLetter> letter = CasedLetterOf(code);
  if (letter) {
    return {letter->alphabet, letter->letter, letter->letters, letter->upper ? Part::Form::kUpper : Part::Form::kLower};
  }
  if (part.form == Part::Form::kUtf8 && HasCasedLetters(code)) return {code, 0, 0, Part::Form::kUtf8};
  return part;
}

// Reads the parts of a text one after the other, in constant memory however long the text is.
class PartReader {
 public:
  PartReader(std::string_view text, bool ignores_case) : rest_(text), ignores_case_(ignores_case) {}

  // Returns false at the end.
  bool Next(Part* part) {
    if (rest_.empty()) return false;
    const auto c = static_cast<unsigned char>(rest_.front());
    uint32_t code = c;
    const size_t length = c < 0x80 ? 0 : DecodeUtf8(rest_, &code);
    *part = length == 0 ? PartOfByte(c) : PartOfCode(code);
    if (ignores_case_ && (length > 0 || c < 0x80)) *part = CasedPart(*part, code);
    rest_.remove_prefix(length == 0 ? 1 : length);
    return true;
  }

 private:
  std::string_view rest_;
  const bool ignores_case_;
};

void AppendPart(const Part& part, std::string* out) {
  uint32_t code = part.base + part.value;
  if (part.form == Part::Form::kLower || part.form == Part::Form::kUpper) {
    code = CodeOf({part.base, part.value, part.radix, part.form == Part::Form::kUpper});
  }
  if (part.form == Part::Form::kByte || code < 0x80) {
    out->push_back(static_cast<char>(code));
  } else {
    AppendUtf8(code, out);
  }
}

// The most texts, by radix, to which another character can be added while they can still be numbered. It is a table
// because a division for each character would be most of the work.
constexpr uint32_t kLargestRadix = 128;  // The radix of a block of letters; every alphabet is smaller.
constexpr std::array<uint64_t, kLargestRadix + 1> kMostTexts = [] {
  std::array<uint64_t, kLargestRadix + 1> most{};
  for (uint32_t radix = 1; radix <= kLargestRadix; ++radix) most[radix] = Permutation::kLargest / radix;
  return most;
}();

class TextMasker : public Masker {
 public:
  TextMasker(bool ignores_case, const MaskSecret& secret)
      : ignores_case_(ignores_case), hash_(secret, "text"), permutation_(KeyedHash(secret, "text permutation")) {}

  // Numbers all texts of the value's shape, as long as they can be numbered, and permutes the number; longer texts are
  // drawn from a hash, where two meet as rarely as two hashes do.
  bool Append(std::string_view value, std::string* out) const override {
    thread_local std::string shape;  // The characters that stay, and the alphabets of those that do not.
    shape.clear();
    uint64_t texts = 1, number = 0;
    Part part;
    for (PartReader reader(value, ignores_case_); reader.Next(&part);) {
      const std::array<char, 4> kind = {static_cast<char>(part.base), static_cast<char>(part.base >> 8),
                                        static_cast<char>(part.base >> 16), static_cast<char>(part.radix)};
      shape.append(kind.data(), kind.size());
      if (part.radix == 0) continue;
      if (texts > kMostTexts[part.radix]) {
        Draw(value, out);
        return true;
      }
      texts *= part.radix;
      number = number * part.radix + part.value;
    }
    Write(value, texts, permutation_.Apply(shape, texts, number), out);
    return true;
  }

 private:
  void Draw(std::string_view value, std::string* out) const {
    HashStream stream(ignores_case_ ? hash_(LowerCase(value, Lowering::kUnicode)) : hash_(value));
    Part part;
    for (PartReader reader(value, ignores_case_); reader.Next(&part);) {
      if (part.radix != 0) part.value = stream.Below(part.radix);
      AppendPart(part, out);
    }
  }

  // Writes the text with this number, of the `texts` that have the value's shape.
  void Write(std::string_view value, uint64_t texts, uint64_t number, std::string* out) const {
    Part part;
    for (PartReader reader(value, ignores_case_); reader.Next(&part);) {
      if (part.radix != 0) {
        texts /= part.radix;
        part.value = static_cast<uint32_t>(number / texts);
        number %= texts;
      }
      AppendPart(part, out);
    }
  }

  const bool ignores_case_;
  const KeyedHash hash_;
  const Permutation permutation_;
};

}  // namespace

std::unique_ptr<const Masker> MakeTextMasker(const MaskColumn& column, const MaskSecret& secret) {
  return std::make_unique<TextMasker>(column.ignores_case, secret);
}

}  // namespace rotv::mask
