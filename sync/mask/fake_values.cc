#include "sync/mask/fake_values.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "storage/error.h"
#include "sync/mask/word_lists.h"

namespace rotv::mask {
namespace {

// Appends 64 bits in an alphabet without letters that look like others: practically unique.
void AppendUnique(uint64_t hash, std::string* out) {
  constexpr std::string_view kAlphabet = "abcdefghjkmnpqrstuvwxyz123456789";
  static_assert(kAlphabet.size() == 32);
  for (int shift = 0; shift < 64; shift += 5) out->push_back(kAlphabet[hash >> shift & 31]);
}
constexpr int kUniqueLength = 13;

void AppendName(HashStream& stream, std::string* out) {
  *out += Pick(FirstNames(), stream);
  out->push_back(' ');
  *out += Pick(LastNames(), stream);
}

void Lower(std::string* text, size_t from = 0) {
  for (size_t i = from; i < text->size(); ++i) {
    char& c = (*text)[i];
    c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  }
}

void AppendHex(size_t digits, uint64_t hash, std::string* out) {
  HashStream stream(hash);
  uint64_t bits = 0;
  for (size_t i = 0; i < digits; ++i, bits >>= 4) {
    if (i % 16 == 0) bits = stream.Next();
    out->push_back("0123456789abcdef"[bits & 15]);
  }
}

// Replaces an address such as "192.168.1.7/24" or "fe80::1" by a private one with the same netmask. The host part is
// zero if the type is cidr. The address is of the same family, unless it must be unique.
std::string Address(std::string_view value, uint64_t hash, bool network, bool unique) {
  const bool v6 = value.find(':') != std::string_view::npos;
  const size_t slash = value.find('/');
  // A network that must be unique consists of a single address.
  const bool masked = slash != std::string_view::npos && !(network && unique) && !(unique && !v6);
  int bits = v6 || unique ? 128 : 32;
  if (masked) bits = std::min(bits, std::atoi(std::string(value.substr(slash + 1)).c_str()));
  const std::string mask = masked ? fmt::format("/{}", bits) : "";
  if (!v6 && !unique) {
    uint32_t address = 0x0A000000U | static_cast<uint32_t>(hash >> 40);
    if (network && bits < 32) address &= bits == 0 ? 0 : ~uint32_t{0} << (32 - bits);
    std::string text;
    for (int shift = 24; shift >= 0; shift -= 8)
      text += std::to_string(address >> shift & 255) + (shift > 0 ? "." : "");
    return text + mask;
  }
  // fd00::/8 is for private use; 64 bits of the hash are in the host part, or in the network part if the host part must
  // be zero.
  uint64_t high = 0xFD00000000000000, low = hash;
  if (network && bits < 128) {
    high |= hash >> 8;
    low = bits <= 64 ? 0 : low & ~uint64_t{0} << (128 - bits);
    if (bits < 64) high &= bits == 0 ? 0 : ~uint64_t{0} << (64 - bits);
  }
  return fmt::format("{:x}:{:x}:{:x}:{:x}:{:x}:{:x}:{:x}:{:x}{}", high >> 48, high >> 32 & 0xFFFF, high >> 16 & 0xFFFF,
                     high & 0xFFFF, low >> 48, low >> 32 & 0xFFFF, low >> 16 & 0xFFFF, low & 0xFFFF, mask);
}

void AppendUuid(uint64_t hash, std::string* out) {
  const size_t begin = out->size();
  AppendHex(32, hash, out);
  (*out)[begin + 12] = '4';
  (*out)[begin + 16] = "89ab"[(*out)[begin + 16] % 4];
  for (size_t at : {20U, 16U, 12U, 8U}) out->insert(begin + at, 1, '-');
}

// Appends the fake value for a hash of `value`.
using MakeValue = std::function<void(uint64_t hash, std::string_view value, std::string* out)>;

class FakeValues : public Masker {
 public:
  FakeValues(const KeyedHash& hash, MakeValue make, Lowering equality)
      : hash_(hash), make_(std::move(make)), equality_(equality) {}

  bool Append(std::string_view value, std::string* out) const override {
    std::string lower;
    if (equality_ != Lowering::kUnknown) value = lower = LowerCase(value, equality_);
    const size_t begin = out->size();
    const uint64_t hash = hash_(value);
    make_(hash, value, out);
    if (std::string_view(*out).substr(begin) != value) return true;
    // The fake value equals the real one by chance.
    out->resize(begin);
    make_(hash + 1, value, out);
    return true;
  }

 private:
  const KeyedHash hash_;
  const MakeValue make_;
  const Lowering equality_;  // Says how equal texts of the column may be written differently.
};

// The longest form that fits is used; the last one is the shortest.
struct Form {
  int length;  // At most.
  MakeValue make;
};

MakeValue Fitting(const MaskRule& rule, const MaskColumn& column, const std::vector<Form>& forms) {
  for (const Form& form : forms) {
    if (column.limit == 0 || form.length <= column.limit) return form.make;
  }
  throw Error(ErrorCode::kUsage,
              fmt::format("{}: \"{}\" needs {} characters{}, and the column takes {}", rule.pattern, rule.name,
                          forms.back().length, column.unique ? " to be unique" : "", column.limit),
              "\"text\" keeps the length of what it masks");
}

std::unique_ptr<const Masker> MakeFake(const MaskRule& rule, const MaskColumn& column, const MaskSecret& secret,
                                       const std::vector<Form>& forms) {
  return std::make_unique<FakeValues>(
      KeyedHash(secret, rule.name), Fitting(rule, column, forms),
      column.type == "citext" ? std::max(column.equality, Lowering::kAscii) : column.equality);
}

// Makes words that `append` takes from lists, `length` characters at most. The words alone are enough if equal values
// do no harm.
std::unique_ptr<const Masker> MakeWords(const MaskRule& rule, const MaskColumn& column, const MaskSecret& secret,
                                        int length, void (*append)(HashStream& stream, std::string* out)) {
  const bool unique = column.unique;
  const int all = unique ? length + 1 + kUniqueLength : length;
  return MakeFake(rule, column, secret,
                  {{all, [append, unique](uint64_t hash, std::string_view /*value*/, std::string* out) {
                      HashStream stream(hash);
                      append(stream, out);
                      if (!unique) return;
                      out->push_back(' ');
                      AppendUnique(hash, out);
                    }}});
}

}  // namespace

std::unique_ptr<const Masker> MakeEmail(const MaskRule& rule, const MaskColumn& column, const MaskSecret& secret) {
  const Form with_names{2 * kLongestName + 2 + kUniqueLength + 12,
                        [](uint64_t hash, std::string_view /*value*/, std::string* out) {
                          const size_t begin = out->size();
                          HashStream stream(hash);
                          *out += Pick(FirstNames(), stream);
                          out->push_back('.');
                          *out += Pick(LastNames(), stream);
                          out->push_back('.');
                          AppendUnique(hash, out);
                          *out += "@example.com";
                          Lower(out, begin);
                        }};
  const Form without{kUniqueLength + 12, [](uint64_t hash, std::string_view /*value*/, std::string* out) {
                       AppendUnique(hash, out);
                       *out += "@example.com";
                     }};
  return MakeFake(rule, column, secret, {with_names, without});
}

std::unique_ptr<const Masker> MakeName(const MaskRule& rule, const MaskColumn& column, const MaskSecret& secret) {
  return MakeWords(rule, column, secret, 2 * kLongestName + 1, AppendName);
}

std::unique_ptr<const Masker> MakeFirstName(const MaskRule& rule, const MaskColumn& column, const MaskSecret& secret) {
  return MakeWords(rule, column, secret, kLongestName,
                   [](HashStream& stream, std::string* out) { *out += Pick(FirstNames(), stream); });
}

std::unique_ptr<const Masker> MakeLastName(const MaskRule& rule, const MaskColumn& column, const MaskSecret& secret) {
  return MakeWords(rule, column, secret, kLongestName,
                   [](HashStream& stream, std::string* out) { *out += Pick(LastNames(), stream); });
}

std::unique_ptr<const Masker> MakeAddress(const MaskRule& rule, const MaskColumn& column, const MaskSecret& secret) {
  return MakeWords(rule, column, secret, 4 + kLongestStreet, [](HashStream& stream, std::string* out) {
    *out += std::to_string(1 + stream.Below(999));
    out->push_back(' ');
    *out += Pick(Streets(), stream);
  });
}

std::unique_ptr<const Masker> MakeUrl(const MaskRule& rule, const MaskColumn& column, const MaskSecret& secret) {
  return MakeFake(rule, column, secret,
                  {{20 + kUniqueLength, [](uint64_t hash, std::string_view /*value*/, std::string* out) {
                      *out += "https://example.com/";
                      AppendUnique(hash, out);
                    }}});
}

std::unique_ptr<const Masker> MakeUuid(const MaskRule& rule, const MaskColumn& column, const MaskSecret& secret) {
  return MakeFake(rule, column, secret,
                  {{36, [](uint64_t hash, std::string_view /*value*/, std::string* out) { AppendUuid(hash, out); }}});
}

std::unique_ptr<const Masker> MakeIp(const MaskRule& rule, const MaskColumn& column, const MaskSecret& secret) {
  const bool unique = column.unique, network = column.type == "cidr";
  return MakeFake(rule, column, secret,
                  {{unique ? 43 : 19, [network, unique](uint64_t hash, std::string_view value, std::string* out) {
                      *out += Address(value, hash, network, unique);
                    }}});
}

std::unique_ptr<const Masker> MakeHash(const MaskRule& rule, const MaskColumn& column, const MaskSecret& secret) {
  constexpr int kUniqueHexDigits = 16;
  const bool bytes = column.type == "bytea";
  const int digits = bytes ? 2 * rule.length : rule.length;
  if (column.unique && digits < kUniqueHexDigits) {
    throw Error(ErrorCode::kUsage,
                fmt::format("{}: a hash of length {} would not be unique, which this column must be", rule.pattern,
                            rule.length),
                "give it \"length\" = 16 or more");
  }
  return MakeFake(rule, column, secret,
                  {{digits, [digits, bytes](uint64_t hash, std::string_view /*value*/, std::string* out) {
                      if (bytes) *out += "\\x";
                      AppendHex(static_cast<size_t>(digits), hash, out);
                    }}});
}

}  // namespace rotv::mask
