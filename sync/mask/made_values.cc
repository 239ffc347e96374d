#include "sync/mask/made_values.h"

#include <fmt/format.h>

#include <functional>

#include "storage/error.h"
#include "sync/mask/word_lists.h"

namespace rotv {
namespace {

// 64 bits without letters that are taken for others: as good as unique.
std::string Unique(uint64_t hash) {
  constexpr std::string_view kAlphabet = "abcdefghjkmnpqrstuvwxyz123456789";
  static_assert(kAlphabet.size() == 32);
  std::string text;
  for (int shift = 0; shift < 64; shift += 5) text.push_back(kAlphabet[hash >> shift & 31]);
  return text;
}
constexpr int kUniqueLength = 13;

std::string Name(HashStream& stream) {
  return fmt::format("{} {}", Pick(FirstNames(), stream), Pick(LastNames(), stream));
}

std::string Lower(std::string text) {
  for (char& c : text) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  return text;
}

std::string Hex(std::string_view alphabet_of_hash, size_t digits, const KeyedHash& hash, std::string_view value) {
  std::string hex;
  for (uint64_t part = 0; hex.size() < digits; ++part) {
    hex += fmt::format("{:016x}", hash(fmt::format("{}{}:{}", alphabet_of_hash, part, value)));
  }
  hex.resize(digits);
  return hex;
}

// "192.168.1.7/24", "fe80::1": a private address with the same netmask, whose host part is nil where the type is cidr;
// of the same family, unless it must be unique.
std::string Address(std::string_view value, uint64_t hash, bool network, bool unique) {
  const bool v6 = value.find(':') != std::string_view::npos;
  const size_t slash = value.find('/');
  // A network that must be unique is one of a single address.
  const bool masked = slash != std::string_view::npos && !(network && unique) && !(unique && !v6);
  int bits = v6 || unique ? 128 : 32;
  if (masked) bits = std::min(bits, std::atoi(std::string(value.substr(slash + 1)).c_str()));
  const std::string mask = masked ? fmt::format("/{}", bits) : "";
  if (!v6 && !unique) {
    uint32_t address = 0x0A000000U | static_cast<uint32_t>(hash >> 40);
    if (network && bits < 32) address &= bits == 0 ? 0 : ~uint32_t{0} << (32 - bits);
    return fmt::format("{}.{}.{}.{}{}", address >> 24, address >> 16 & 255, address >> 8 & 255, address & 255, mask);
  }
  // fd00::/8 is for private use; 64 bits of the hash stand in the host part, or in front where that must be nil.
  uint64_t high = 0xFD00000000000000, low = hash;
  if (network && bits < 128) {
    high |= hash >> 8;
    low = bits <= 64 ? 0 : low & ~uint64_t{0} << (128 - bits);
    if (bits < 64) high &= bits == 0 ? 0 : ~uint64_t{0} << (64 - bits);
  }
  return fmt::format("{:x}:{:x}:{:x}:{:x}:{:x}:{:x}:{:x}:{:x}{}", high >> 48, high >> 32 & 0xFFFF, high >> 16 & 0xFFFF,
                     high & 0xFFFF, low >> 48, low >> 32 & 0xFFFF, low >> 16 & 0xFFFF, low & 0xFFFF, mask);
}

std::string Uuid(const KeyedHash& hash, std::string_view value) {
  std::string hex = Hex("uuid", 32, hash, value);
  hex[12] = '4';
  hex[16] = "89ab"[hex[16] % 4];
  return fmt::format("{}-{}-{}-{}-{}", hex.substr(0, 8), hex.substr(8, 4), hex.substr(12, 4), hex.substr(16, 4),
                     hex.substr(20));
}

using Make = std::function<std::string(const KeyedHash& hash, std::string_view value)>;

class MadeValues : public Masker {
 public:
  MadeValues(const KeyedHash& hash, Make make, bool ignores_case)
      : hash_(hash), make_(std::move(make)), ignores_case_(ignores_case) {}

  bool Append(std::string_view value, std::string* out) const override {
    std::string made = ignores_case_ ? make_(hash_, Lower(std::string(value))) : make_(hash_, value);
    // By chance.
    if (made == value) made = make_(hash_, made + "\n");
    *out += made;
    return true;
  }

 private:
  const KeyedHash hash_;
  const Make make_;
  const bool ignores_case_;  // Equal texts of the type may be written in two ways.
};

// The longest of those that fit; the last one is the shortest.
struct Form {
  int length;  // At most.
  Make make;
};

Make Fitting(const MaskRule& rule, const MaskColumn& column, const std::vector<Form>& forms) {
  for (const Form& form : forms) {
    if (column.limit == 0 || form.length <= column.limit) return form.make;
  }
  throw Error(ErrorCode::kUsage,
              fmt::format("{}: \"{}\" needs {} characters{}, and the column takes {}", rule.pattern, rule.name,
                          forms.back().length, column.unique ? " to be unique" : "", column.limit),
              "\"text\" keeps the length of what it masks");
}

std::vector<Form> FormsOf(const MaskRule& rule, const MaskColumn& column) {
  const bool unique = column.unique;
  // Where equal ones are no harm the bare words do.
  auto words = [unique](int length, const std::function<std::string(HashStream&)>& make) {
    std::vector<Form> forms = {{length + 1 + kUniqueLength, [make](const KeyedHash& hash, std::string_view value) {
                                  const uint64_t number = hash(value);
                                  HashStream stream(number);
                                  return fmt::format("{} {}", make(stream), Unique(number));
                                }}};
    if (!unique) {
      forms = {{length, [make](const KeyedHash& hash, std::string_view value) {
                  HashStream stream(hash(value));
                  return make(stream);
                }}};
    }
    return forms;
  };
  switch (rule.kind) {
    case MaskKind::kEmail:
      return {{2 * kLongestName + 2 + kUniqueLength + 12,
               [](const KeyedHash& hash, std::string_view value) {
                 const uint64_t number = hash(value);
                 HashStream stream(number);
                 const std::string_view first = Pick(FirstNames(), stream), last = Pick(LastNames(), stream);
                 return Lower(fmt::format("{}.{}.{}@example.com", first, last, Unique(number)));
               }},
              {kUniqueLength + 12, [](const KeyedHash& hash, std::string_view value) {
                 return fmt::format("{}@example.com", Unique(hash(value)));
               }}};
    case MaskKind::kName:
      return words(2 * kLongestName + 1, Name);
    case MaskKind::kFirstName:
      return words(kLongestName, [](HashStream& stream) { return std::string(Pick(FirstNames(), stream)); });
    case MaskKind::kLastName:
      return words(kLongestName, [](HashStream& stream) { return std::string(Pick(LastNames(), stream)); });
    case MaskKind::kAddress:
      return words(5 + kLongestStreet, [](HashStream& stream) {
        const uint32_t number = 1 + stream.Below(999);
        return fmt::format("{} {}", number, Pick(Streets(), stream));
      });
    case MaskKind::kUrl:
      return {{20 + kUniqueLength, [](const KeyedHash& hash, std::string_view value) {
                 return fmt::format("https://example.com/{}", Unique(hash(value)));
               }}};
    case MaskKind::kHash: {
      const auto digits = static_cast<size_t>(column.type == "bytea" ? 2 * rule.length : rule.length);
      const std::string prefix = column.type == "bytea" ? "\\x" : "";
      return {{static_cast<int>(digits), [digits, prefix](const KeyedHash& hash, std::string_view value) {
                 return prefix + Hex("", digits, hash, value);
               }}};
    }
    case MaskKind::kUuid:
      return {{36, Uuid}};
    case MaskKind::kIp: {
      const bool network = column.type == "cidr";
      return {{unique ? 43 : 19, [network, unique](const KeyedHash& hash, std::string_view value) {
                 return Address(value, hash(value), network, unique);
               }}};
    }
    default:
      throw Error(ErrorCode::kBug, "a mask that makes no values");
  }
}

}  // namespace

std::unique_ptr<const Masker> MakeMadeValues(const MaskRule& rule, const MaskColumn& column, const MaskSecret& secret) {
  constexpr int kUniqueHexDigits = 16;
  if (rule.kind == MaskKind::kHash && column.unique &&
      (column.type == "bytea" ? 2 * rule.length : rule.length) < kUniqueHexDigits) {
    throw Error(ErrorCode::kUsage,
                fmt::format("{}: a hash of length {} would not be unique, which this column must be", rule.pattern,
                            rule.length),
                "give it \"length\" = 16 or more");
  }
  const Make make = Fitting(rule, column, FormsOf(rule, column));
  return std::make_unique<MadeValues>(KeyedHash(secret, rule.name), make, column.type == "citext");
}

}  // namespace rotv
