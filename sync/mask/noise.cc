#include "sync/mask/noise.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "storage/error.h"
#include "sync/mask/calendar_days.h"
#include "sync/mask/move_in_block.h"
#include "sync/mask/number_noise.h"
#include "sync/mask/permutation.h"

namespace rotv::mask {
namespace {

[[noreturn]] void FailOnValue(const char* what) {
  throw Error(ErrorCode::kProtocol, fmt::format("the source sent something that is no {} for a masked column", what),
              "please report this with the column's type");
}

class FloatNoise : public Masker {
 public:
  FloatNoise(const MaskRule& rule, const MaskColumn& column, const MaskSecret& secret)
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
    // The factor is between 0.5 and 1 in size, with either sign, so that every value moves.
    const uint64_t hash = hash_(value);
    const double part = (static_cast<double>(hash >> 12) + 1) / 0x1p53 + 0.5;
    const double moved = number + (hash % 2 == 0 ? by_ : -by_) * part;
    *out += single_ ? Written(static_cast<float>(number), static_cast<float>(moved)) : Written(number, moved);
    return true;
  }

 private:
  // Numbers so large that `by` is lost in rounding are moved by the least possible amount: towards zero, since there is
  // no number beyond the largest one.
  template <typename Float>
  static std::string Written(Float number, Float moved) {
    return fmt::format("{}", moved == number ? std::nextafter(number, Float{0}) : moved);
  }

  const double by_;
  const bool single_;
  const KeyedHash hash_;
};

class DateNoise : public Masker {
 public:
  DateNoise(const MaskRule& rule, const MaskColumn& column, const MaskSecret& secret)
      : by_(static_cast<uint64_t>(rule.by)),
        last_(column.type == "date" ? DaysOf(5874897, 12, 31) : DaysOf(294276, 12, 31)),
        permutation_(KeyedHash(secret, "date")) {}

  // Takes values such as "2026-01-31 10:00:00+00" and "0044-03-15 BC".
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
    if (!day_before || *day_before < kFirst || *day_before > last_) FailOnValue("date");
    thread_local std::string context;
    context.clear();
    const int64_t days =
        MoveInBlock<int64_t>(permutation_, &context, *day_before, {.size = by_, .first = kFirst, .last = last_});
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
  // The first and last day of PostgreSQL's types. Every day in between exists with any time of day: timestamps end with
  // 294276-12-31 23:59:59.999999, and begin at midnight. (Sessions are in UTC, so a timestamptz is on its own day.)
  static constexpr int64_t kFirst = -2'440'588;  // 4714-11-24 BC, the Julian day 0.

  const uint64_t by_;
  const int64_t last_;
  const Permutation permutation_;
};

}  // namespace

std::unique_ptr<const Masker> MakeDateNoise(const MaskRule& rule, const MaskColumn& column, const MaskSecret& secret) {
  return std::make_unique<DateNoise>(rule, column, secret);
}

std::unique_ptr<const Masker> MakeNumberNoise(const MaskRule& rule, const MaskColumn& column,
                                              const MaskSecret& secret) {
  if (column.scale < 0) {
    throw Error(ErrorCode::kUsage, fmt::format("{}: the column rounds to the left of the decimal point", rule.pattern),
                "only \"null\" and \"constant\" can mask such a column");
  }
  if (column.type != "float4" && column.type != "float8") return std::make_unique<NumberNoise>(rule, column, secret);
  if (column.unique) {
    throw Error(ErrorCode::kUsage,
                fmt::format("{}: floating point numbers with noise need not stay unique, and this column must be",
                            rule.pattern),
                "leave the column out of the key, or of the rules");
  }
  return std::make_unique<FloatNoise>(rule, column, secret);
}

}  // namespace rotv::mask
