#include "sync/subset/key_hash.h"

#include <xxhash.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <initializer_list>

#include "sync/formats/copy_text.h"

namespace rotv::subset {
namespace {

// pg_type.oid of PostgreSQL's own types, which are the same in every database.
constexpr uint32_t kName = 19, kChar = 18, kInt8 = 20, kInt2 = 21, kInt4 = 23, kText = 25, kOid = 26;
constexpr uint32_t kCidr = 650, kFloat4 = 700, kFloat8 = 701, kInet = 869, kBpchar = 1042, kVarchar = 1043;
constexpr uint32_t kNumeric = 1700;
constexpr uint32_t kFirstOfUsers = 16384;  // FirstNormalObjectId

bool IsOneOf(uint32_t type, std::initializer_list<uint32_t> types) {
  return std::find(types.begin(), types.end(), type) != types.end();
}

bool IsWhole(uint32_t type) { return IsOneOf(type, {kInt8, kInt2, kInt4, kOid}); }
bool IsNumber(uint32_t type) { return IsWhole(type) || IsOneOf(type, {kNumeric, kFloat4, kFloat8}); }

// bool, bytea, date, time, timestamp, timestamptz, timetz, bit, varbit, uuid, macaddr, macaddr8, money and pg_lsn:
// equal values are written alike.
bool HasOneText(uint32_t type) {
  return IsOneOf(type, {16, 17, 1082, 1083, 1114, 1184, 1266, 1560, 1562, 2950, 829, 774, 790, 3220});
}

void AppendDecimal(std::string_view text, std::string* out) {
  const bool is_digits = text.find_first_not_of("-.0123456789") == std::string_view::npos;
  if (!is_digits) {  // NaN, Infinity.
    out->append(text);
    return;
  }
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  text.remove_prefix(std::min(text.find_first_not_of('0'), text.size()));
  if (text.find('.') != std::string_view::npos) {
    text = text.substr(0, text.find_last_not_of('0') + 1);
    if (text.ends_with('.')) text.remove_suffix(1);
  }
  if (negative && !text.empty()) out->push_back('-');
  out->append(text);
}

void AppendNumber(double number, std::string* out) {
  if (number == 0) number = 0;  // -0 equals it.
  if (std::isnan(number)) number = NAN;
  char bytes[sizeof(number)];
  std::memcpy(bytes, &number, sizeof(number));
  out->append(bytes, sizeof(bytes));
}

// Without i and k: letters outside of ASCII become these where case is ignored (the Kelvin sign, Turkish letters).
void AppendLoose(std::string_view text, std::string* out) {
  for (char c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (c == 'i' || c == 'k') continue;
    if ((c >= 'a' && c <= 'z') || (c >= '1' && c <= '9')) out->push_back(c);
  }
}

void AppendField(std::string_view field, KeyForm form, std::string* out) {
  switch (form) {
    case KeyForm::kExact:
      out->append(field);
      break;
    case KeyForm::kDecimal:
      AppendDecimal(field, out);
      break;
    case KeyForm::kFloat4:
      AppendNumber(std::strtof(std::string(field).c_str(), nullptr), out);
      break;
    case KeyForm::kFloat8:
      AppendNumber(std::strtod(std::string(field).c_str(), nullptr), out);
      break;
    case KeyForm::kBlankless:
      out->append(field.substr(0, field.find_last_not_of(' ') + 1));
      break;
    case KeyForm::kNetwork:
      if (field.ends_with("/32") || field.ends_with("/128")) field = field.substr(0, field.find('/'));
      out->append(field);
      break;
    case KeyForm::kLoose:
      AppendLoose(field, out);
      break;
    case KeyForm::kUnclear:
      break;
  }
}

uint64_t NotZero(uint64_t hash) { return hash == 0 ? 1 : hash; }

KeyForm NumberForm(uint32_t type) { return type == kFloat4 ? KeyForm::kFloat4 : KeyForm::kFloat8; }

}  // namespace

bool IsText(uint32_t type) { return IsOneOf(type, {kText, kVarchar, kBpchar, kName, kChar}) || IsOfUsers(type); }

bool IsOfUsers(uint32_t type) { return type >= kFirstOfUsers; }

KeyForms FormsOf(uint32_t a, uint32_t b) {
  if (IsOfUsers(a) || IsOfUsers(b)) return {KeyForm::kLoose, KeyForm::kLoose};
  if (IsWhole(a) && IsWhole(b)) return {KeyForm::kExact, KeyForm::kExact};
  if (IsNumber(a) && IsNumber(b)) {
    // A number that is no float is made a float4 before it is compared with one.
    if (b == kFloat4 && a != kFloat8) return {KeyForm::kFloat4, KeyForm::kFloat4};
    const bool any_float = IsOneOf(a, {kFloat4, kFloat8}) || IsOneOf(b, {kFloat4, kFloat8});
    return any_float ? KeyForms{NumberForm(a), NumberForm(b)} : KeyForms{KeyForm::kDecimal, KeyForm::kDecimal};
  }
  if (IsText(a) && IsText(b)) return {KeyForm::kBlankless, KeyForm::kBlankless};
  if (IsOneOf(a, {kInet, kCidr}) && IsOneOf(b, {kInet, kCidr})) return {KeyForm::kNetwork, KeyForm::kNetwork};
  if (a == b && HasOneText(a)) return {KeyForm::kExact, KeyForm::kExact};
  return {};
}

uint64_t HashKey(const std::vector<std::string_view>& fields, const std::vector<KeyField>& key, std::string* scratch) {
  for (const KeyField& part : key) {
    if (fields[part.index] == formats::kCopyNull) return 0;
  }
  if (key.size() == 1 && key.front().form == KeyForm::kExact) {
    const std::string_view field = fields[key.front().index];
    return NotZero(XXH3_64bits(field.data(), field.size()));
  }
  scratch->clear();
  for (size_t i = 0; i < key.size(); ++i) {
    if (i > 0) scratch->push_back('\0');
    AppendField(fields[key[i].index], key[i].form, scratch);
  }
  return NotZero(XXH3_64bits(scratch->data(), scratch->size()));
}

uint64_t HashRow(std::string_view row_key, uint64_t table_seed) {
  return NotZero(XXH3_64bits_withSeed(row_key.data(), row_key.size(), table_seed));
}

uint64_t TableSeed(std::string_view schema, std::string_view name) {
  std::string both(schema);
  both.push_back('\0');
  both.append(name);
  return XXH3_64bits(both.data(), both.size());
}

}  // namespace rotv::subset
