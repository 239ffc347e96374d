#include "sync/mask/make_masker.h"

#include <fmt/format.h>

#include <algorithm>

#include "storage/error.h"
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

// Pads values of char(n) with blanks, as the server writes them.
class Padded : public Masker {
 public:
  Padded(std::unique_ptr<const Masker> inner, int length) : inner_(std::move(inner)), length_(length) {}
  bool Append(std::string_view value, std::string* out) const override {
    const size_t before = out->size();
    if (!inner_->Append(value, out)) return false;
    const auto continues = [](char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; };
    const auto characters = static_cast<size_t>(std::count_if(out->begin() + static_cast<std::ptrdiff_t>(before),
                                                              out->end(), [&](char c) { return !continues(c); }));
    if (characters < static_cast<size_t>(length_)) out->append(static_cast<size_t>(length_) - characters, ' ');
    return true;
  }

 private:
  const std::unique_ptr<const Masker> inner_;
  const int length_;
};

bool IsText(const std::string& type) {
  return type == "text" || type == "varchar" || type == "bpchar" || type == "citext" || type == "name";
}

bool Fits(MaskKind kind, const std::string& type) {
  auto one_of = [&](std::initializer_list<const char*> types) {
    return std::any_of(types.begin(), types.end(), [&](const char* name) { return type == name; });
  };
  switch (kind) {
    case MaskKind::kNull:
    case MaskKind::kConstant:
      return true;
    case MaskKind::kHash:
      return IsText(type) || type == "bytea";
    case MaskKind::kIp:
      return IsText(type) || type == "inet" || type == "cidr";
    case MaskKind::kUuid:
      return IsText(type) || type == "uuid";
    case MaskKind::kNumber:
      return one_of({"int2", "int4", "int8", "numeric", "float4", "float8"});
    case MaskKind::kDate:
      return one_of({"date", "timestamp", "timestamptz"});
    case MaskKind::kJson:
      return type == "json" || type == "jsonb";
    default:
      return IsText(type);
  }
}

// True if the rule maps values that are unique for this use to values that are unique for it.
bool Keeps(const UniqueUse& use, MaskKind kind) {
  const bool shaped = kind == MaskKind::kText || kind == MaskKind::kPhone;
  switch (use.by) {
    case UniqueUse::By::kValue:
    case UniqueUse::By::kCase:
      return true;
    case UniqueUse::By::kText:
      return !shaped && kind != MaskKind::kNumber && kind != MaskKind::kDate;
    case UniqueUse::By::kDay:
      return kind == MaskKind::kDate;
    case UniqueUse::By::kUnknown:
      break;
  }
  return false;
}

void CheckColumn(const MaskRule& rule, const MaskColumn& column) {
  auto fail = [&](const std::string& what, const std::string& hint) {
    throw Error(ErrorCode::kUsage, fmt::format("{}: {}", rule.pattern, what), hint);
  };
  if (!Fits(rule.kind, column.type)) {
    fail(fmt::format("\"{}\" cannot mask a column of type {}", rule.name, column.type),
         "\"null\" and \"constant\" can mask any type; docs/masking.md lists the types of each rule");
  }
  if (column.generated) fail("the column is generated from others", "mask the columns that it is computed from");
  if (column.partition_key) fail("the column decides which partition a row is in", "leave it as it is: \"keep\"");
  if (rule.kind == MaskKind::kNull && column.not_null)
    fail("the column takes no NULL", "use a rule that gives no NULL, such as \"constant\" or \"hash\"");
  if ((rule.kind == MaskKind::kConstant || rule.kind == MaskKind::kPassword || rule.kind == MaskKind::kJson) &&
      column.unique) {
    fail(fmt::format("\"{}\" would not keep the column unique", rule.name),
         "use a rule whose values are unique, such as \"hash\" or \"text\"");
  }
  for (const UniqueUse& use : column.unique_uses) {
    if (rule.kind == MaskKind::kNull ? !use.nulls_equal : Keeps(use, rule.kind)) continue;
    fail(fmt::format("values masked by \"{}\" need not be unique for the {}", rule.name, use.what),
         use.by == UniqueUse::By::kText ? "\"hash\", \"email\" and \"uuid\" make values that are"
                                        : "use \"null\" if the column takes it, or \"drop\" for the table's rows");
  }
}

std::unique_ptr<const Masker> Make(const MaskRule& rule, const MaskColumn& column, const MaskSecret& secret) {
  switch (rule.kind) {
    case MaskKind::kNull:
      return std::make_unique<Null>();
    case MaskKind::kConstant:
    case MaskKind::kPassword:
      return std::make_unique<Constant>(rule.value);
    case MaskKind::kText:
    case MaskKind::kPhone:
      return MakeTextMasker(column, secret);
    case MaskKind::kNumber:
    case MaskKind::kDate:
      return MakeNoise(rule, column, secret);
    case MaskKind::kJson:
      return MakeJsonMasker(rule, secret, MakeMasker);
    default:
      return MakeFakeValues(rule, column, secret);
  }
}

}  // namespace

std::unique_ptr<const Masker> MakeMasker(const MaskRule& rule, const MaskColumn& column, const MaskSecret& secret) {
  CheckColumn(rule, column);
  std::unique_ptr<const Masker> masker = Make(rule, column, secret);
  const bool pads = column.type == "bpchar" && column.limit > 0;
  return pads ? std::make_unique<Padded>(std::move(masker), column.limit) : std::move(masker);
}

}  // namespace rotv::mask
