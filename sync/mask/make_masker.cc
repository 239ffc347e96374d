#include "sync/mask/make_masker.h"

#include <fmt/format.h>

#include <algorithm>

#include "storage/error.h"
#include "sync/context/mask_rule_table.h"
#include "sync/mask/fake_values.h"
#include "sync/mask/json_mask.h"
#include "sync/mask/noise.h"
#include "sync/mask/text_mask.h"

namespace rotv::mask {
namespace {

class Constant : public Masker {
 public:
  explicit Constant(std::string value) : value_(std::move(value)) {}
  bool Append(std::string_view /*value*/, std::string* out) const override {
    *out += value_;
    return true;
  }

 private:
  const std::string value_;
};

class Null : public Masker {
 public:
  bool Append(std::string_view /*value*/, std::string* /*out*/) const override { return false; }
};

// Masks values of char: blanks at the end do not count, so that 'a' and 'a  ' are equal, and stay so. The server pads
// values of char(n) with them.
class Blanks : public Masker {
 public:
  Blanks(std::unique_ptr<const Masker> inner, int length) : inner_(std::move(inner)), length_(length) {}
  bool Append(std::string_view value, std::string* out) const override {
    const size_t before = out->size();
    if (!inner_->Append(value.substr(0, value.find_last_not_of(' ') + 1), out)) return false;
    const auto continues = [](char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; };
    const auto characters = static_cast<size_t>(std::count_if(out->begin() + static_cast<std::ptrdiff_t>(before),
                                                              out->end(), [&](char c) { return !continues(c); }));
    if (characters < static_cast<size_t>(length_)) out->append(static_cast<size_t>(length_) - characters, ' ');
    return true;
  }

 private:
  const std::unique_ptr<const Masker> inner_;
  const int length_;  // 0: of any length.
};

bool Keeps(const MaskRuleRow& row, UniqueUse::By by) {
  switch (by) {
    case UniqueUse::By::kValue:
    case UniqueUse::By::kCase:
      return true;
    case UniqueUse::By::kText:
      return row.unique == MaskRuleRow::Unique::kTexts;
    case UniqueUse::By::kDay:
      return row.unique == MaskRuleRow::Unique::kDays;
    case UniqueUse::By::kUnknown:
      break;
  }
  return false;
}

// True if the rule maps values that are unique for this use to values that are unique for it. One fake value stands for
// all values that are equal for the column.
bool Keeps(const MaskRuleRow& row, const MaskColumn& column, const UniqueUse& use) {
  const bool fake = row.unique == MaskRuleRow::Unique::kTexts;
  if (fake && use.exact && column.equality != Lowering::kUnknown) return false;
  return row.unique == MaskRuleRow::Unique::kNulls ? !use.nulls_equal : Keeps(row, use.by);
}

const char* WayOut(const MaskColumn& column, const UniqueUse& use) {
  const bool exact = use.exact && column.equality != Lowering::kUnknown;
  if (exact && use.by == UniqueUse::By::kValue) return "\"text\" keeps values apart that differ in case";
  if (!exact && use.by == UniqueUse::By::kText) return "\"hash\", \"email\" and \"uuid\" make values that are";
  return "use \"null\" if the column takes it, or \"drop\" for the table's rows";
}

void CheckColumn(const MaskRule& rule, const MaskColumn& column) {
  auto fail = [&](const std::string& what, const std::string& hint) {
    throw Error(ErrorCode::kUsage, fmt::format("{}: {}", rule.pattern, what), hint);
  };
  const MaskRuleRow& row = RowOf(rule.kind);
  if (!row.types.Has(column.type)) {
    fail(fmt::format("\"{}\" cannot mask a column of type {}", rule.name, column.type),
         "\"null\" and \"constant\" can mask any type, docs/masking.md lists the types of each rule");
  }
  if (column.generated) fail("the column is generated from others", "mask the columns that it is computed from");
  if (column.partition_key) fail("the column decides which partition a row is in", "leave it as it is: \"keep\"");
  if (row.unique == MaskRuleRow::Unique::kNulls && column.not_null)
    fail("the column takes no NULL", "use a rule that gives no NULL, such as \"constant\" or \"hash\"");
  if (row.unique == MaskRuleRow::Unique::kNothing && column.unique) {
    const std::string use = column.unique_uses.empty() ? "" : ", as the " + column.unique_uses[0].what + " wants";
    fail(fmt::format("\"{}\" would not keep the column unique{}", rule.name, use),
         "use a rule whose values are unique, such as \"hash\" or \"text\"");
  }
  for (const UniqueUse& use : column.unique_uses) {
    if (Keeps(row, column, use)) continue;
    fail(fmt::format("values masked by \"{}\" need not be unique for the {}", rule.name, use.what),
         WayOut(column, use));
  }
}

std::unique_ptr<const Masker> MakeNull(const MaskRule& /*rule*/, const MaskColumn& /*column*/,
                                       const MaskSecret& /*secret*/) {
  return std::make_unique<Null>();
}

std::unique_ptr<const Masker> MakeConstant(const MaskRule& rule, const MaskColumn& /*column*/,
                                           const MaskSecret& /*secret*/) {
  return std::make_unique<Constant>(rule.value);
}

std::unique_ptr<const Masker> MakeText(const MaskRule& /*rule*/, const MaskColumn& column, const MaskSecret& secret) {
  return MakeTextMasker(column, secret);
}

std::unique_ptr<const Masker> MakeJson(const MaskRule& rule, const MaskColumn& /*column*/, const MaskSecret& secret) {
  return MakeJsonMasker(rule, secret, MakeMasker);
}

// Revision 1: long fractions are moved as far as short ones, and negative numbers of numeric(p, s) stay within it.
uint32_t NumberRevision(const MaskRule& /*rule*/, const std::string& type) {
  return type == "int2" || type == "int4" || type == "int8" ? 0 : 1;
}

uint32_t JsonRevision(const MaskRule& rule, const std::string& /*type*/) {
  uint32_t revision = 0;
  for (const MaskPath& path : rule.paths) revision = std::max(revision, RevisionOf(path.rule, "numeric"));
  return revision;
}

// A Maker is the other half of a rule's row in MaskRuleTable(): it makes the masker. Rules for tables and "keep" have
// none.
struct Maker {
  MaskKind kind;
  MaskerFactory make;
  uint32_t (*revision)(const MaskRule& rule, const std::string& type) = nullptr;  // Null: always 0.
};
constexpr Maker kMakers[] = {
    {MaskKind::kEmail, MakeEmail},
    {MaskKind::kName, MakeName},
    {MaskKind::kFirstName, MakeFirstName},
    {MaskKind::kLastName, MakeLastName},
    {MaskKind::kPhone, MakeText},
    {MaskKind::kAddress, MakeAddress},
    {MaskKind::kIp, MakeIp},
    {MaskKind::kUrl, MakeUrl},
    {MaskKind::kUuid, MakeUuid},
    {MaskKind::kText, MakeText},
    {MaskKind::kHash, MakeHash},
    {MaskKind::kNumber, MakeNumberNoise, NumberRevision},
    {MaskKind::kDate, MakeDateNoise},
    {MaskKind::kPassword, MakeConstant},
    {MaskKind::kNull, MakeNull},
    {MaskKind::kConstant, MakeConstant},
    {MaskKind::kJson, MakeJson, JsonRevision},
};

const Maker& MakerOf(MaskKind kind) {
  const auto found =
      std::find_if(std::begin(kMakers), std::end(kMakers), [&](const Maker& maker) { return maker.kind == kind; });
  if (found == std::end(kMakers)) throw Error(ErrorCode::kBug, "a rule that masks no values");
  return *found;
}

}  // namespace

std::unique_ptr<const Masker> MakeMasker(const MaskRule& rule, const MaskColumn& column, const MaskSecret& secret) {
  CheckColumn(rule, column);
  std::unique_ptr<const Masker> masker = MakerOf(rule.kind).make(rule, column, secret);
  const bool blanks = column.type == "bpchar";
  return blanks ? std::make_unique<Blanks>(std::move(masker), column.limit) : std::move(masker);
}

uint32_t RevisionOf(const MaskRule& rule, const std::string& type) {
  const Maker& maker = MakerOf(rule.kind);
  if (maker.revision != nullptr) return maker.revision(rule, type);
  // Revision 1: blanks at the end do not count.
  const bool any_value = rule.kind == MaskKind::kNull || maker.make == MakeConstant;
  return type == "bpchar" && !any_value ? 1 : 0;
}

}  // namespace rotv::mask
