#include "sync/context/mask_rule_table.h"

#include <algorithm>

namespace rotv {
namespace {

using For = MaskRuleRow::For;
using InDocuments = MaskRuleRow::InDocuments;
using Unique = MaskRuleRow::Unique;

constexpr int64_t kFarthest = 1'000'000'000'000;

constexpr MaskSetting kLength[] = {
    {.name = "length", .member = &MaskRule::length, .required = false, .least = 1, .most = 1024}};
constexpr MaskSetting kBy[] = {
    {.name = "by", .member = &MaskRule::by, .least = 2, .most = kFarthest, .suggested_number = 1000}};
constexpr MaskSetting kDays[] = {
    {.name = "days", .member = &MaskRule::by, .least = 2, .most = kFarthest, .suggested_number = 365}};
constexpr MaskSetting kPassword[] = {
    {.name = "value", .member = &MaskRule::value, .suggested_text = "the hash of a password for everybody"}};
constexpr MaskSetting kValue[] = {{.name = "value", .member = &MaskRule::value}};
constexpr MaskSetting kPaths[] = {{.name = "paths", .member = &MaskRule::paths}};
constexpr MaskSetting kPercent[] = {{.name = "percent", .member = &MaskRule::percent, .least = 1, .most = 99}};
constexpr MaskSetting kConditions[] = {{.name = "all", .member = &MaskRule::conditions}};

constexpr MaskTypes kTexts = {MaskTypes::Group::kTexts};
constexpr MaskTypes kAny = {MaskTypes::Group::kAny};
constexpr MaskTypes TextsAnd(std::string_view others) { return {MaskTypes::Group::kTexts, others}; }
constexpr MaskTypes Only(std::string_view types) { return {MaskTypes::Group::kNone, types}; }

// Makes the row of a rule for fake values, which depend on a hash of the value alone.
constexpr MaskRuleRow Fake(MaskKind kind, std::string_view name, MaskTypes types, std::string_view help) {
  return {.kind = kind,
          .name = name,
          .types = types,
          .unique = Unique::kTexts,
          .in_documents = InDocuments::kTexts,
          .help = help};
}

// Makes the row of a rule that keeps the length and shape of a text.
constexpr MaskRuleRow Shaped(MaskKind kind, std::string_view name, std::string_view help) {
  return {.kind = kind,
          .name = name,
          .types = kTexts,
          .unique = Unique::kValues,
          .in_documents = InDocuments::kTexts,
          .help = help};
}

constexpr MaskRuleRow kRows[] = {
    Fake(MaskKind::kEmail, "email", kTexts, "an address at example.com"),
    Fake(MaskKind::kName, "name", kTexts, "a first and a last name"),
    Fake(MaskKind::kFirstName, "first_name", kTexts, "a first name"),
    Fake(MaskKind::kLastName, "last_name", kTexts, "a last name"),
    Shaped(MaskKind::kPhone, "phone", "another number of the same length and shape"),
    Fake(MaskKind::kAddress, "address", kTexts, "a number and a street"),
    Fake(MaskKind::kIp, "ip", TextsAnd("inet cidr"), "a private address with the same netmask"),
    Fake(MaskKind::kUrl, "url", kTexts, "a page at example.com"),
    Fake(MaskKind::kUuid, "uuid", TextsAnd("uuid"), "a random UUID"),
    Shaped(MaskKind::kText, "text", "a text of the same length and shape"),
    {.kind = MaskKind::kHash,
     .name = "hash",
     .types = TextsAnd("bytea"),
     .settings = kLength,
     .unique = Unique::kTexts,
     .in_documents = InDocuments::kTexts,
     .help = "hexadecimal digits: length = 32 characters, or bytes of a bytea"},
    {.kind = MaskKind::kNumber,
     .name = "number",
     .types = Only("int2 int4 int8 numeric float4 float8"),
     .settings = kBy,
     .unique = Unique::kValues,
     .in_documents = InDocuments::kNumbers,
     .in_part = true,
     .help = "a number closer than by = 1000"},
    {.kind = MaskKind::kDate,
     .name = "date",
     .types = Only("date timestamp timestamptz"),
     .settings = kDays,
     .unique = Unique::kDays,
     .in_part = true,
     .help = "a day closer than days = 365, at the same time of day"},
    {.kind = MaskKind::kPassword,
     .name = "password",
     .types = kTexts,
     .settings = kPassword,
     .in_documents = InDocuments::kAll,
     .help = "value = \"…\" for all: one known hash"},
    {.kind = MaskKind::kNull,
     .name = "null",
     .types = kAny,
     .unique = Unique::kNulls,
     .in_documents = InDocuments::kAll,
     .help = "NULL"},
    {.kind = MaskKind::kConstant,
     .name = "constant",
     .types = kAny,
     .settings = kValue,
     .in_documents = InDocuments::kAll,
     .help = "value = \"…\" for all"},
    {.kind = MaskKind::kJson,
     .name = "json",
     .types = Only("json jsonb"),
     .settings = kPaths,
     .in_part = true,
     .help = "the document with what is at paths = { … } masked"},
    {.kind = MaskKind::kKeep, .name = "keep", .what = For::kBoth, .help = "what it was; nothing here is personal"},
    {.kind = MaskKind::kDrop, .name = "drop", .what = For::kTables, .help = "no rows"},
    {.kind = MaskKind::kSample,
     .name = "sample",
     .what = For::kTables,
     .settings = kPercent,
     .in_part = true,
     .help = "percent = 5 of the rows, by their keys"},
    {.kind = MaskKind::kWhere,
     .name = "where",
     .what = For::kTables,
     .settings = kConditions,
     .in_part = true,
     .help = "the rows for which all = [ … ] holds"},
};

constexpr bool IsInOrder() {
  for (size_t i = 0; i < std::size(kRows); ++i) {
    if (kRows[i].kind != static_cast<MaskKind>(i)) return false;
  }
  return true;
}
static_assert(IsInOrder(), "the rows stand in the order of MaskKind");

// True if `word` is one of `words`, which are separated by blanks.
bool IsAmong(std::string_view words, std::string_view word) {
  while (!words.empty()) {
    const size_t end = std::min(words.find(' '), words.size());
    if (words.substr(0, end) == word) return true;
    words.remove_prefix(std::min(end + 1, words.size()));
  }
  return false;
}

}  // namespace

bool MaskTypes::Has(std::string_view type) const {
  if (group == Group::kAny) return true;
  return (group == Group::kTexts && IsAmong("text varchar bpchar citext name", type)) || IsAmong(others, type);
}

bool MaskRuleRow::Takes(std::string_view setting) const {
  return std::any_of(settings.begin(), settings.end(), [&](const MaskSetting& one) { return one.name == setting; });
}

std::span<const MaskRuleRow> MaskRuleTable() { return kRows; }

const MaskRuleRow& RowOf(MaskKind kind) { return kRows[static_cast<size_t>(kind)]; }

const MaskRuleRow* RowNamed(std::string_view name) {
  const auto found =
      std::find_if(std::begin(kRows), std::end(kRows), [&](const MaskRuleRow& row) { return row.name == name; });
  return found == std::end(kRows) ? nullptr : &*found;
}

std::vector<std::string> MaskRuleNames() {
  std::vector<std::string> names;
  for (const MaskRuleRow& row : kRows) names.emplace_back(row.name);
  return names;
}

MaskRule SuggestedRule(MaskKind kind) {
  const MaskRuleRow& row = RowOf(kind);
  MaskRule rule{.kind = kind, .name = std::string(row.name), .pattern = {}, .parts = {}};
  for (const MaskSetting& setting : row.settings) {
    if (const auto* number = std::get_if<int64_t MaskRule::*>(&setting.member))
      rule.** number = setting.suggested_number;
    if (const auto* text = std::get_if<std::string MaskRule::*>(&setting.member)) rule.** text = setting.suggested_text;
  }
  return rule;
}

}  // namespace rotv
