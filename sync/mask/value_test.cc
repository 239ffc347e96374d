#include "sync/mask/value_test.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <compare>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <tuple>

#include "storage/ascii_case.h"
#include "storage/error.h"
#include "sync/mask/calendar_days.h"
#include "sync/mask/type_names.h"

namespace rotv::mask {

// A rule "where" (all = ["created_at >= 2026-01-01"]) is evaluated here, on values as COPY and pgoutput deliver them,
// and not by the source. A row filter of the publication would make the server refuse UPDATE and DELETE of a table
// whose condition uses columns outside of the replica identity, which is harm to production; a WHERE in COPY alone
// would not cover the stream.
//
// Invariant: a test decides exactly as the server's own comparison would, or the condition is refused when the rules
// are read. Numbers, dates and timestamps are parsed and compared by value, so that 1.5 equals 1.50, NaN is greater
// than every number, and infinity sorts as it does on the server. numeric is compared digit by digit, since it does not
// fit into any machine type; a date has more days than 64 bits of microseconds can count. The order of all other types
// depends on collations and operator classes of the source: only = and <> are offered for them, on the type's text. For
// the same reason char(n) is compared without its blanks, and uuid and boolean in the form in which the server writes
// them.
//
// Cost: one parse per value; the condition's own value is parsed once. A value that cannot be parsed is an error of the
// protocol, never a row that is silently kept or left out.

namespace {

// Returns -1, 0 or 1.
int SignOf(std::strong_ordering order) { return std::is_lt(order) ? -1 : std::is_gt(order) ? 1 : 0; }

bool Satisfies(Comparison comparison, int order) {
  switch (comparison) {
    case Comparison::kEqual:
      return order == 0;
    case Comparison::kNotEqual:
      return order != 0;
    case Comparison::kLess:
      return order < 0;
    case Comparison::kLessOrEqual:
      return order <= 0;
    case Comparison::kGreater:
      return order > 0;
    case Comparison::kGreaterOrEqual:
      return order >= 0;
    case Comparison::kIsNull:
    case Comparison::kIsNotNull:
      break;
  }
  return comparison == Comparison::kIsNotNull;
}

// A decimal number of any length: -12.50 is {-1, "12", "5"}. NaN is above everything, as PostgreSQL orders it.
struct Decimal {
  int sign = 0;  // -2: -Infinity, 2: Infinity, 3: NaN.
  std::string_view whole, fraction;

  static std::optional<Decimal> From(std::string_view text) {
    if (text == "NaN") return Decimal{.sign = 3};
    if (text == "Infinity") return Decimal{.sign = 2};
    if (text == "-Infinity") return Decimal{.sign = -2};
    const bool negative = text.starts_with('-');
    if (negative) text.remove_prefix(1);
    const size_t point = std::min(text.find('.'), text.size());
    Decimal decimal{.sign = 0, .whole = text.substr(0, point), .fraction = {}};
    if (point < text.size()) decimal.fraction = text.substr(point + 1);
    auto digits = [](std::string_view part) {
      return std::all_of(part.begin(), part.end(), [](char c) { return c >= '0' && c <= '9'; });
    };
    if (text.empty() || text == "." || !digits(decimal.whole) || !digits(decimal.fraction)) return std::nullopt;
    decimal.whole.remove_prefix(std::min(decimal.whole.find_first_not_of('0'), decimal.whole.size()));
    decimal.fraction = decimal.fraction.substr(0, decimal.fraction.find_last_not_of('0') + 1);
    decimal.sign = decimal.whole.empty() && decimal.fraction.empty() ? 0 : negative ? -1 : 1;
    return decimal;
  }

  int CompareTo(const Decimal& other) const {
    if (sign != other.sign) return SignOf(sign <=> other.sign);
    int order = SignOf(std::tuple(whole.size(), whole, fraction) <=>
                       std::tuple(other.whole.size(), other.whole, other.fraction));
    return sign < 0 ? -order : order;
  }
};

// Calls strtod() for a text that need not end with a zero byte.
std::optional<double> FloatFrom(std::string_view text) {
  const std::string copy(text);
  char* end = nullptr;
  double number = std::strtod(copy.c_str(), &end);
  if (copy.empty() || *end != '\0') return std::nullopt;
  return number;
}

// Dates go to the year 5874897, which microseconds in 64 bits cannot count.
struct Moment {
  int64_t days = 0;  // Since 1970.
  int64_t microseconds = 0;
};

// Parses "2026-01-31" and "2026-01-31 10:00[:00[.5]]", each possibly followed by "+00", "Z" or " BC".
std::optional<Moment> MomentFrom(std::string_view text) {
  if (text == "infinity") return Moment{.days = std::numeric_limits<int64_t>::max()};
  if (text == "-infinity") return Moment{.days = std::numeric_limits<int64_t>::min()};
  constexpr std::string_view kBc = " BC";
  const bool bc = text.ends_with(kBc);
  if (bc) text.remove_suffix(kBc.size());
  if (text.ends_with("+00")) text.remove_suffix(3);
  if (text.ends_with("Z")) text.remove_suffix(1);
  const size_t space = std::min(text.find_first_of(" T"), text.size());
  std::optional<int64_t> days = DaysFrom(text.substr(0, space), bc);
  if (!days) return std::nullopt;
  std::array<int64_t, 4> clock = {};  // Hours, minutes, seconds, microseconds.
  size_t part = 0, digits = 0;
  for (char c : text.substr(std::min(space + 1, text.size()))) {
    if ((c == ':' && part < 2) || (c == '.' && part == 2)) {
      ++part, digits = 0;
    } else if (c >= '0' && c <= '9' && ++digits <= (part == 3 ? 6 : 2)) {
      clock[part] = clock[part] * 10 + (c - '0');
    } else {
      return std::nullopt;
    }
  }
  if (space < text.size() && part == 0) return std::nullopt;
  if (clock[0] > 24 || clock[1] > 59 || clock[2] > 60) return std::nullopt;
  for (; part == 3 && digits < 6; ++digits) clock[3] *= 10;
  return Moment{.days = *days, .microseconds = ((clock[0] * 60 + clock[1]) * 60 + clock[2]) * 1'000'000 + clock[3]};
}

[[noreturn]] void FailOnComparedValue() {
  throw Error(ErrorCode::kProtocol,
              "the source sent something that is not of the column's type, for a column that a condition uses",
              "please report this with the column's type");
}

// Compares values of types that have an order, by their parsed form.
template <typename Value>
class OrderedTest : public ValueTest {
 public:
  using Read = std::optional<Value> (*)(std::string_view);
  OrderedTest(Comparison comparison, std::string text, Read read)
      : comparison_(comparison), text_(std::move(text)), read_(read), bound_(*read(text_)) {}

  bool Holds(std::string_view value) const override {
    std::optional<Value> read = read_(value);
    if (!read) FailOnComparedValue();
    return Satisfies(comparison_, Order(*read, bound_));
  }

 private:
  static int Order(const Decimal& a, const Decimal& b) { return a.CompareTo(b); }
  static int Order(const Moment& a, const Moment& b) {
    return SignOf(std::tuple(a.days, a.microseconds) <=> std::tuple(b.days, b.microseconds));
  }
  // NaN is above everything, and equal to itself.
  static int Order(double a, double b) {
    if (a != a || b != b) return static_cast<int>(a != a) - static_cast<int>(b != b);
    return static_cast<int>(a > b) - static_cast<int>(a < b);
  }

  const Comparison comparison_;
  const std::string text_;  // Storage that bound_ may point into.
  const Read read_;
  const Value bound_;
};

class EqualTest : public ValueTest {
 public:
  EqualTest(Comparison comparison, std::string value, bool padded)
      : equal_(comparison == Comparison::kEqual), value_(std::move(value)), padded_(padded) {}
  bool Holds(std::string_view value) const override {
    if (padded_) value = value.substr(0, value.find_last_not_of(' ') + 1);
    return (value == value_) == equal_;
  }

 private:
  const bool equal_;
  const std::string value_;
  const bool padded_;  // char(n): blanks at the end have no meaning.
};

class NotNullTest : public ValueTest {
 public:
  explicit NotNullTest(bool wanted) : wanted_(wanted) {}
  bool Holds(std::string_view /*value*/) const override { return wanted_; }

 private:
  const bool wanted_;
};

template <typename Value>
std::unique_ptr<const ValueTest> MakeOrdered(const RowCondition& condition, const std::string& type,
                                             typename OrderedTest<Value>::Read read) {
  if (read(condition.value)) {
    return std::make_unique<OrderedTest<Value>>(condition.comparison, condition.value, read);
  }
  throw Error(ErrorCode::kUsage, fmt::format("{}: \"{}\" is no {}", condition.column, condition.value, type));
}

std::string AsWritten(const RowCondition& condition, const std::string& type) {
  if (type == "uuid") return AsciiLower(condition.value);
  if (type == "bpchar") return condition.value.substr(0, condition.value.find_last_not_of(' ') + 1);
  if (type != "bool") return condition.value;
  const std::string lower = AsciiLower(condition.value);
  if (lower == "t" || lower == "true") return "t";
  if (lower == "f" || lower == "false") return "f";
  throw Error(ErrorCode::kUsage,
              fmt::format("{}: \"{}\" is neither true nor false", condition.column, condition.value));
}

}  // namespace

std::unique_ptr<const ValueTest> MakeValueTest(const RowCondition& condition, const std::string& type) {
  const Comparison comparison = condition.comparison;
  if (comparison == Comparison::kIsNull || comparison == Comparison::kIsNotNull) {
    return std::make_unique<NotNullTest>(comparison == Comparison::kIsNotNull);
  }
  if (IsOneOf(type, {"int2", "int4", "int8", "oid", "numeric"})) {
    return MakeOrdered<Decimal>(condition, type, &Decimal::From);
  }
  if (IsOneOf(type, {"float4", "float8"})) return MakeOrdered<double>(condition, type, &FloatFrom);
  if (IsOneOf(type, {"date", "timestamp", "timestamptz"})) return MakeOrdered<Moment>(condition, type, &MomentFrom);
  if (comparison != Comparison::kEqual && comparison != Comparison::kNotEqual) {
    throw Error(ErrorCode::kUsage,
                fmt::format("{}: a {} is only compared by = and <>, since its order depends on the source's collation",
                            condition.column, type));
  }
  return std::make_unique<EqualTest>(comparison, AsWritten(condition, type), type == "bpchar");
}

}  // namespace rotv::mask
