#include "sync/mask/text_mask.h"

#include <vector>

#include "sync/mask/permutation.h"

namespace rotv {
namespace {

// A part of the text: one character that is replaced by one of `radix`, which begin with `base`; radix 0: as it is.
struct Part {
  uint32_t base = 0;
  uint32_t value = 0;
  uint32_t radix = 0;
  enum class Form { kByte, kUtf8 } form = Form::kByte;
};

// The character at the beginning of `text` as UTF-8; 0 bytes if it is none.
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

// Letters of the same script stand in blocks of 128.
Part PartOfCode(uint32_t code) {
  constexpr uint32_t kLatin1Letters = 0xC0, kBehindLatin1 = 0x100;
  if (code < kLatin1Letters) return {code, 0, 0, Part::Form::kUtf8};  // Signs.
  if (code < kBehindLatin1) return {kLatin1Letters, code - kLatin1Letters, 64, Part::Form::kUtf8};
  return {code & ~0x7FU, code & 0x7F, 128, Part::Form::kUtf8};
}

Part PartOfByte(unsigned char c) {
  auto in = [c](unsigned char first, unsigned char last) { return c >= first && c <= last; };
  if (in('0', '9')) return {'0', static_cast<uint32_t>(c - '0'), 10};
  if (in('a', 'z')) return {'a', static_cast<uint32_t>(c - 'a'), 26};
  if (in('A', 'Z')) return {'A', static_cast<uint32_t>(c - 'A'), 26};
  // In the other encodings that a server can have: letters of one byte, or halves of such of two.
  if (in(0xA1, 0xFE)) return {0xA1, static_cast<uint32_t>(c - 0xA1), 0xFE - 0xA1 + 1};
  return {c};
}

class TextMasker : public Masker {
 public:
  explicit TextMasker(const MaskSecret& secret)
      : hash_(secret, "text"), permutation_(KeyedHash(secret, "text permutation")) {}

  bool Append(std::string_view value, std::string* out) const override {
    thread_local std::vector<Part> parts;
    Split(value, &parts);
    // All texts of this shape are numbered, as long as they can be: beyond that two of them meet as rarely as two
    // hashes.
    uint64_t texts = 1, number = 0;
    for (const Part& part : parts) {
      if (part.radix == 0) continue;
      if (texts > Permutation::kLargest / part.radix) {
        Draw(value, &parts);
        Write(parts, out);
        return true;
      }
      texts *= part.radix;
      number = number * part.radix + part.value;
    }
    number = permutation_.Apply(ShapeOf(parts), texts, number);
    for (auto part = parts.rbegin(); part != parts.rend(); ++part) {
      if (part->radix == 0) continue;
      part->value = static_cast<uint32_t>(number % part->radix);
      number /= part->radix;
    }
    Write(parts, out);
    return true;
  }

 private:
  static void Split(std::string_view value, std::vector<Part>* parts) {
    parts->clear();
    while (!value.empty()) {
      const auto c = static_cast<unsigned char>(value.front());
      uint32_t code = 0;
      const size_t length = c < 0x80 ? 0 : DecodeUtf8(value, &code);
      parts->push_back(length == 0 ? PartOfByte(c) : PartOfCode(code));
      value.remove_prefix(length == 0 ? 1 : length);
    }
  }

  // What stays, and what stands there instead of what does not.
  static std::string_view ShapeOf(const std::vector<Part>& parts) {
    thread_local std::string shape;
    shape.clear();
    for (const Part& part : parts) {
      for (int shift = 0; shift < 24; shift += 8) shape.push_back(static_cast<char>(part.base >> shift));
      shape.push_back(static_cast<char>(part.radix));
    }
    return shape;
  }

  void Draw(std::string_view value, std::vector<Part>* parts) const {
    HashStream stream(hash_(value));
    for (Part& part : *parts) {
      if (part.radix != 0) part.value = stream.Below(part.radix);
    }
  }

  static void Write(const std::vector<Part>& parts, std::string* out) {
    for (const Part& part : parts) {
      const uint32_t code = part.base + part.value;
      if (part.form == Part::Form::kUtf8) {
        AppendUtf8(code, out);
      } else {
        out->push_back(static_cast<char>(code));
      }
    }
  }

  const KeyedHash hash_;
  const Permutation permutation_;
};

}  // namespace

std::unique_ptr<const Masker> MakeTextMasker(const MaskSecret& secret) { return std::make_unique<TextMasker>(secret); }

}  // namespace rotv
