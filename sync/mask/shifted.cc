#include "sync/mask/shifted.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "storage/error.h"
#include "sync/mask/calendar_days.h"
#include "sync/mask/permutation.h"

namespace rotv {
namespace {

__extension__ typedef unsigned __int128 Wide;  // NOLINT(modernize-use-using): the word in front needs it.

[[noreturn]] void FailOnValue(const char* what) {
  throw Error(ErrorCode::kProtocol,
              fmt::format("the source sent something that is no {} for a column that is masked", what),
              "please report this with the column's type");
}

// Bytes that tell one number from another, as a part of a permutation's context.
template <typename Number>
void AppendBytes(Number number, std::string* out) {
  out->append(reinterpret_cast<const char*>(&number), sizeof(number));
}

// Where in its block of `size` numbers, the last one of which ends with `last`, a number goes. Blocks begin at
// multiples of their size. `context` is added to.
template <typename Number>
Number MoveInBlock(const Permutation& permutation, std::string* context, Number number, uint64_t size, Number first,
                   Number last) {
  Number block = number / static_cast<Number>(size);
  if (block * static_cast<Number>(size) > number) block -= 1;  // Rounded towards zero.
  AppendBytes(block, context);
  const Number begin = std::max(block * static_cast<Number>(size), first);
  const Number end = std::min(block * static_cast<Number>(size) + static_cast<Number>(size) - 1, last);
  return begin + static_cast<Number>(permutation.Apply(*context, static_cast<uint64_t>(end - begin) + 1,
                                                       static_cast<uint64_t>(number - begin)));
}

constexpr int kWideDigits = 36;

Wide PowerOfTen(int exponent) {
  Wide power = 1;
  for (int i = 0; i < exponent; ++i) power *= 10;
  return power;
}

// In decimal digits, `at_least` so many.
template <typename Number>
void AppendDigits(Number number, size_t at_least, std::string* out) {
  char digits[kWideDigits + 4];
  char* begin = std::end(digits);
  for (; number > 0 || static_cast<size_t>(std::end(digits) - begin) < at_least; number /= 10) {
    *--begin = static_cast<char>('0' + static_cast<int>(number % 10));
  }
  out->append(begin, std::end(digits));
}

// The greatest absolute value less its fraction's point: of numeric(p, s) and whole numbers.
Wide LimitOf(const MaskColumn& column) {
  if (column.type == "int2") return INT16_MAX;
  if (column.type == "int4") return INT32_MAX;
  if (column.type == "int8") return INT64_MAX;
  return PowerOfTen(column.precision > 0 ? std::min(column.precision, kWideDigits) : kWideDigits) - 1;
}

class ShiftedNumber : public Masker {
 public:
  ShiftedNumber(const MaskRule& rule, const MaskColumn& column, const MaskSecret& secret)
      : by_(rule.by), limit_(LimitOf(column)), permutation_(KeyedHash(secret, "number")) {}

  // -12.50 is 1250 hundredths, moved in a block of by * 100 of them. Of longer ones the last 36 digits are moved.
  bool Append(std::string_view value, std::string* out) const override {
    if (value == "NaN" || value == "Infinity" || value == "-Infinity") {
      *out += value;
      return true;
    }
    const bool negative = value.starts_with('-');
    const std::string_view text = value.substr(negative ? 1 : 0);
    const size_t point = std::min(text.find('.'), text.size());
    const size_t scale = point == text.size() ? 0 : text.size() - point - 1;
    const size_t digits = text.size() - (scale > 0 ? 1 : 0);
    const size_t before = digits > kWideDigits ? digits - kWideDigits : 0;  // Digits that stay.
    Wide number = 0;
    size_t seen = 0;
    for (char c : text) {
      if (c == '.') continue;
      if (c < '0' || c > '9') FailOnValue("number");
      if (seen++ >= before) number = number * 10 + static_cast<unsigned>(c - '0');
    }
    if (seen == 0 || seen != digits || scale > kWideDigits) FailOnValue("number");
    // There is no negative zero: the negative numbers are counted from one.
    const unsigned from_one = negative && number > 0 ? 1 : 0;
    thread_local std::string context;
    context.assign(text.substr(0, before));
    context.push_back(static_cast<char>(scale * 2 + from_one));
    const Wide moved = Move(number - from_one, scale, &context) + from_one;

    if (negative) out->push_back('-');
    *out += text.substr(0, before);
    const size_t at_least = before > 0 ? kWideDigits : scale + 1;
    if (moved <= UINT64_MAX) {
      AppendDigits(static_cast<uint64_t>(moved), at_least, out);
    } else {
      AppendDigits(moved, at_least, out);
    }
    if (scale > 0) out->insert(out->size() - scale, 1, '.');
    return true;
  }

 private:
  Wide Move(Wide number, size_t scale, std::string* context) const {
    // Most blocks of numbers; a division of wider ones is slow.
    constexpr Wide kNarrow = INT64_MAX;
    const uint64_t size = BlockSize(scale);
    const bool narrow = number <= kNarrow && Wide(static_cast<uint64_t>(number) / size + 1) * size <= kNarrow;
    if (!narrow) return MoveInBlock<Wide>(permutation_, context, number, size, 0, limit_);
    return static_cast<uint64_t>(MoveInBlock<int64_t>(permutation_, context, static_cast<int64_t>(number), size, 0,
                                                      static_cast<int64_t>(std::min(limit_, kNarrow))));
  }

  uint64_t BlockSize(size_t scale) const {
    constexpr uint64_t kMost = Permutation::kLargest;
    Wide size = static_cast<Wide>(by_);
    for (size_t i = 0; i < scale && size < kMost; ++i) size *= 10;
    return static_cast<uint64_t>(std::min<Wide>(size, kMost));
  }

  const int64_t by_;
  const Wide limit_;
  const Permutation permutation_;
};

class ShiftedFloat : public Masker {
 public:
  ShiftedFloat(const MaskRule& rule, const MaskColumn& column, const MaskSecret& secret)
      : by_(static_cast<double>(rule.by)), single_(column.type == "float4"), hash_(secret, "float") {}

  bool Append(std::string_view value, std::string* out) const override {
    const std::string text(value);
    char* end = nullptr;
    const double number = std::strtod(text.c_str(), &end);
    if (text.empty() || *end != '\0') FailOnValue("number");
    if (!std::isfinite(number)) {
      *out += value;
      return true;
    }
    // From -1 to 1, and not so near 0 that nothing is moved.
    const uint64_t hash = hash_(value);
    const double part = (static_cast<double>(hash >> 12) + 1) / 0x1p53 + 0.5;
    const double moved = number + (hash % 2 == 0 ? by_ : -by_) * part;
    *out += single_ ? fmt::format("{}", static_cast<float>(moved)) : fmt::format("{}", moved);
    return true;
  }

 private:
  const double by_;
  const bool single_;
  const KeyedHash hash_;
};

class ShiftedDate : public Masker {
 public:
  ShiftedDate(const MaskRule& rule, const MaskColumn& column, const MaskSecret& secret)
      : by_(static_cast<uint64_t>(rule.by)),
        last_(column.type == "date" ? DaysOf(5874897, 12, 31) : DaysOf(294276, 12, 30)),
        permutation_(KeyedHash(secret, "date")) {}

  // "2026-01-31 10:00:00+00", "0044-03-15 BC"
  bool Append(std::string_view value, std::string* out) const override {
    if (value == "infinity" || value == "-infinity") {
      *out += value;
      return true;
    }
    constexpr std::string_view kBc = " BC";
    const bool bc = value.ends_with(kBc);
    const std::string_view text = bc ? value.substr(0, value.size() - kBc.size()) : value;
    const size_t space = std::min(text.find(' '), text.size());
    const std::optional<int64_t> day_before = DaysFrom(text.substr(0, space), bc);
    if (!day_before) FailOnValue("date");
    thread_local std::string context;
    context.clear();
    const int64_t first = DaysOf(-4712, 1, 2);
    const int64_t days = MoveInBlock<int64_t>(permutation_, &context, *day_before, by_, first, last_);
    int64_t year = 0, month = 0, day = 0;
    DateOf(days, &year, &month, &day);
    const bool moved_bc = year < 1;
    AppendDigits(static_cast<uint64_t>(moved_bc ? 1 - year : year), 4, out);
    out->push_back('-');
    AppendDigits(static_cast<uint64_t>(month), 2, out);
    out->push_back('-');
    AppendDigits(static_cast<uint64_t>(day), 2, out);
    *out += text.substr(space);
    if (moved_bc) *out += kBc;
    return true;
  }

 private:
  const uint64_t by_;
  const int64_t last_;
  const Permutation permutation_;
};

}  // namespace

std::unique_ptr<const Masker> MakeShifted(const MaskRule& rule, const MaskColumn& column, const MaskSecret& secret) {
  if (rule.kind == MaskKind::kDate) return std::make_unique<ShiftedDate>(rule, column, secret);
  if (column.scale < 0) {
    throw Error(ErrorCode::kUsage, fmt::format("{}: the column rounds to the left of the point", rule.pattern),
                "such a column cannot be masked but by \"null\" and \"constant\"");
  }
  if (column.type != "float4" && column.type != "float8") return std::make_unique<ShiftedNumber>(rule, column, secret);
  if (column.unique) {
    throw Error(ErrorCode::kUsage,
                fmt::format("{}: floating point numbers that are moved need not stay unique, and this column must be",
                            rule.pattern),
                "leave the column out of the key, or of the rules");
  }
  return std::make_unique<ShiftedFloat>(rule, column, secret);
}

}  // namespace rotv
