#include "sync/mask/number_noise.h"

#include <algorithm>
#include <utility>

#include "storage/error.h"
#include "sync/mask/move_in_block.h"

namespace rotv::mask {

// The numbers of one sign and scale are divided into blocks of `by`, counted in units of the last decimal, that begin
// at multiples of it; each number is permuted within its block (move_in_block.h). So the result is less than `by` away,
// and different numbers stay different, since every block is mapped onto itself. A plain offset from a hash would be
// closer to noise, but two values could meet.
//
// A block must have at most 2^62 numbers. A fraction so long that it has more is split: the upper digits are permuted
// in their block, and the finer ones by themselves, in pieces of 18 digits, each with all digits before it as context.
// Digits above the lowest 36 of the number that is moved stay as they are, since they are far more than `by`.
//
// A result that must not be (a negative zero; where the column is unique by value, a fraction that ends with 0) is
// permuted again. The permutation restricted to the allowed numbers is still a permutation, and the loop ends because
// it leads back to the number it began with.

namespace {

constexpr int kWideDigits = 36;          // A Wide holds 38 digits.
constexpr size_t kFineDigits = 18;       // Digits permuted at a time: 10^18 is below Permutation::kLargest.
constexpr uint64_t kNarrow = INT64_MAX;  // A division of wider numbers is slow.

Wide PowerOfTen(int exponent) {
  Wide power = 1;
  for (int i = 0; i < exponent; ++i) power *= 10;
  return power;
}

Wide NumberOf(std::string_view digits) {
  Wide number = 0;
  for (char c : digits) number = number * 10 + static_cast<unsigned>(c - '0');
  return number;
}

bool IsZero(std::string_view digits) { return digits.find_first_not_of('0') == std::string_view::npos; }

void AppendWide(Wide number, size_t at_least, std::string* out) {
  if (number <= UINT64_MAX) {
    AppendDigits(static_cast<uint64_t>(number), at_least, out);
  } else {
    AppendDigits(number, at_least, out);
  }
}

}  // namespace

NumberNoise::NumberNoise(const MaskRule& rule, const MaskColumn& column, const MaskSecret& secret)
    : column_(column),
      by_(std::min(static_cast<uint64_t>(rule.by), Permutation::kLargest)),
      by_value_(column.type == "numeric" && column.precision == 0 && column.unique),
      fine_(secret, "number fraction"),
      permutation_(KeyedHash(secret, "number")) {
  while (Wide(by_) * PowerOfTen(static_cast<int>(most_scale_) + 1) <= Permutation::kLargest) ++most_scale_;
}

bool NumberNoise::Append(std::string_view value, std::string* out) const {
  if (value == "NaN" || value == "Infinity" || value == "-Infinity") {
    *out += value;
    return true;
  }
  thread_local Digits digits;
  Read(value, &digits);
  size_t zeros = 0;
  if (by_value_) {
    while (digits.scale > 0 && digits.text.back() == '0') digits.text.pop_back(), --digits.scale, ++zeros;
  }
  // The loop ends: a permutation leads back to the number that it began with, which is allowed.
  do {
    Permute(&digits);
  } while (IsForbidden(digits));

  if (digits.negative) out->push_back('-');
  const size_t point = digits.text.size() - digits.scale;
  out->append(digits.text, 0, point);
  if (digits.scale + zeros > 0) out->push_back('.');
  out->append(digits.text, point);
  out->append(zeros, '0');
  return true;
}

void NumberNoise::Read(std::string_view value, Digits* digits) {
  digits->negative = value.starts_with('-');
  if (digits->negative) value.remove_prefix(1);
  const size_t point = value.find('.');
  digits->text = value.substr(0, point);
  digits->scale = 0;
  if (point != std::string_view::npos) {
    digits->text += value.substr(point + 1);
    digits->scale = value.size() - point - 1;
  }
  const bool ends_with_point = point != std::string_view::npos && digits->scale == 0;
  if (digits->text.empty() || ends_with_point || digits->text.find_first_not_of("0123456789") != std::string::npos) {
    throw Error(ErrorCode::kProtocol, "the source sent something that is no number for a masked column",
                "please report this with the column's type");
  }
  if (IsZero(digits->text)) digits->negative = false;
}

// A minus before zeros has no meaning, and another number may have become 0; with by_value_ the fraction's last digit
// counts.
bool NumberNoise::IsForbidden(const Digits& digits) const {
  return (digits.negative && IsZero(digits.text)) || (by_value_ && digits.scale > 0 && digits.text.back() == '0');
}

NumberNoise::Parts NumberNoise::PartsOf(const Digits& digits) const {
  const size_t size = digits.text.size();
  Parts parts{.moved_scale = std::min(digits.scale, most_scale_)};
  const size_t finer = digits.scale - parts.moved_scale;
  parts.moved_end = size - finer;
  if (parts.moved_end > kWideDigits) parts.moved = parts.moved_end - kWideDigits;
  // numeric(3, 40) has zeros in between.
  const auto precision = static_cast<size_t>(column_.precision);
  parts.fine = precision > 0 && precision < finer ? size - precision : parts.moved_end;
  return parts;
}

// Treats -12.50 as 1250 hundredths, which are moved in a block of by * 100 of them.
void NumberNoise::Permute(Digits* digits) const {
  const Parts parts = PartsOf(*digits);
  const std::string_view text = digits->text;
  const Wide number = NumberOf(text.substr(parts.moved, parts.moved_end - parts.moved));
  // There is no negative zero: if no other digit tells, the negative numbers are counted from one.
  const bool all = parts.moved == 0 && parts.moved_end == text.size();
  const unsigned from_one = digits->negative && all ? 1 : 0;
  thread_local std::string context, permuted;
  context.assign(text.substr(0, parts.moved));
  context.push_back(static_cast<char>(parts.moved_scale * 2 + from_one));
  const Wide moved = Move(number - from_one, RangeOf(number, parts, text.size(), from_one), parts, &context) + from_one;

  permuted.assign(text.substr(0, parts.moved));
  AppendWide(moved, parts.moved > 0 ? kWideDigits : parts.moved_scale + 1, &permuted);
  permuted += text.substr(parts.moved_end, parts.fine - parts.moved_end);
  if (parts.fine < text.size()) PermuteFine(text, parts.fine, &permuted);
  digits->text.swap(permuted);
}

// Returns the range for a whole number without its sign (the negative ones counted from one): that of the narrowest
// type that has it, of the column's type and those that it is joined with. Ranges do not overlap, so a number of the
// narrower type and the same one of the wider type have the same neighbours.
NumberNoise::Range NumberNoise::WholeRangeOf(Wide number) const {
  static constexpr std::pair<const char*, uint64_t> kEnds[] = {
      {"int2", INT16_MAX}, {"int4", INT32_MAX}, {"int8", INT64_MAX}};
  const std::string& narrowest = column_.narrowest.empty() ? column_.type : column_.narrowest;
  Range range;
  bool counts = false;
  for (const auto& [type, last] : kEnds) {
    counts |= type == narrowest;
    if (!counts) continue;
    range.last = last;
    if (number <= range.last) return range;
    range.first = range.last + 1;
  }
  return {.first = 0, .last = PowerOfTen(kWideDigits) - 1};
}

// Returns the range of the moved digits, less `from_one`.
NumberNoise::Range NumberNoise::RangeOf(Wide number, const Parts& parts, size_t size, unsigned from_one) const {
  // A number may also be of a wider type that the column has got since: the pull that sees this change resyncs the
  // table.
  if (column_.type != "numeric") return WholeRangeOf(number - from_one);
  const int finer = static_cast<int>(size - parts.moved_end);
  if (column_.precision > 0 && parts.moved == 0) {
    const Wide last = PowerOfTen(std::clamp(column_.precision - finer, 0, kWideDigits)) - 1;
    if (number <= last) return {.first = 0, .last = last - from_one};
  }
  return {.first = 0, .last = PowerOfTen(kWideDigits) - 1 - from_one};
}

Wide NumberNoise::Move(Wide number, Range range, const Parts& parts, std::string* context) const {
  const auto size = static_cast<uint64_t>(by_ * PowerOfTen(static_cast<int>(parts.moved_scale)));
  const bool narrow = number <= kNarrow && Wide(static_cast<uint64_t>(number) / size + 1) * size <= kNarrow;
  if (!narrow) {
    return MoveInBlock<Wide>(permutation_, context, number, {.size = size, .first = range.first, .last = range.last});
  }
  return static_cast<uint64_t>(
      MoveInBlock<int64_t>(permutation_, context, static_cast<int64_t>(number),
                           {.size = size,
                            .first = static_cast<int64_t>(range.first),
                            .last = static_cast<int64_t>(std::min<Wide>(range.last, kNarrow))}));
}

// Permutes the digits from `begin` on, in pieces, each of which depends on all digits before it.
void NumberNoise::PermuteFine(std::string_view digits, size_t begin, std::string* out) const {
  uint64_t in_front = fine_(digits.substr(0, begin));
  for (size_t at = begin; at < digits.size(); at += kFineDigits) {
    const std::string_view piece = digits.substr(at, kFineDigits);
    std::string context;
    AppendBytes(in_front, &context);
    const auto size = static_cast<uint64_t>(PowerOfTen(static_cast<int>(piece.size())));
    AppendDigits(permutation_.Apply(context, size, static_cast<uint64_t>(NumberOf(piece))), piece.size(), out);
    in_front = fine_(context.append(piece));
  }
}

}  // namespace rotv::mask
