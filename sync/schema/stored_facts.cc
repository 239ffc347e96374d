#include "sync/schema/stored_facts.h"

#include <algorithm>
#include <string_view>

#include "sync/formats/text_encoding.h"

namespace rotv::schema {
namespace {

constexpr size_t kMostNameBytes = 256;
constexpr size_t kMostValueBytes = 8192;
constexpr size_t kMostBytes = 48 * 1024;  // Of settings; of roles; of the others.

// Texts come in the database's encoding. Those of another than UTF-8 are kept if they are ASCII.
class Texts {
 public:
  explicit Texts(std::string_view encoding) : utf8_(encoding == "UTF8" || encoding == "SQL_ASCII") {}

  bool IsValue(std::string_view text) const {
    if (text.size() > kMostValueBytes || text.find('\0') != std::string_view::npos) return false;
    const auto is_ascii = [](char c) { return static_cast<unsigned char>(c) < 0x80; };
    return utf8_ ? formats::IsEncoded(formats::TextEncoding::kUtf8, text)
                 : std::all_of(text.begin(), text.end(), is_ascii);
  }
  bool IsName(std::string_view text) const {
    return !text.empty() && text.size() <= kMostNameBytes && text.find_first_of("\n\r\t") == std::string_view::npos &&
           IsValue(text);
  }

 private:
  bool utf8_;
};

std::string ProviderNamed(std::string_view letter) {
  if (letter == "c") return "libc";
  if (letter == "i") return "icu";
  return letter == "b" ? "builtin" : "";
}

bool IsEncodingName(std::string_view name) {
  return !name.empty() && name.size() < 32 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

// The name of a setting shows in messages, and in SQL as a quoted name.
void AddSettings(const proto::DatabaseFacts& stored, const Texts& texts, DatabaseFacts* facts) {
  size_t bytes = 0;
  for (const proto::DatabaseSetting& setting : stored.settings()) {
    const bool has_role =
        setting.level() == proto::SETTING_OF_ROLE || setting.level() == proto::SETTING_OF_ROLE_IN_DATABASE;
    if (!proto::SettingLevel_IsValid(setting.level()) || setting.level() == proto::SETTING_LEVEL_UNSPECIFIED) continue;
    if (!texts.IsName(setting.name()) || (has_role && !texts.IsName(setting.role()))) continue;
    bytes += setting.name().size() + setting.value().size() + setting.role().size();
    if (!texts.IsValue(setting.value()) || bytes > kMostBytes) {
      if (facts->left_out.size() < 20) facts->left_out.push_back(setting.name());
      continue;
    }
    facts->settings.push_back({.level = static_cast<SettingLevel>(setting.level()),
                               .role = has_role ? setting.role() : "",
                               .name = setting.name(),
                               .value = setting.value()});
  }
}

template <typename Names>
std::set<std::string> NamesOf(const Names& stored, const Texts& texts) {
  std::set<std::string> names;
  size_t bytes = 0;
  for (const std::string& name : stored) {
    bytes += name.size();
    if (bytes <= kMostBytes && texts.IsName(name)) names.insert(name);
  }
  return names;
}

}  // namespace

DatabaseFacts FactsOf(const proto::SchemaVersion& schema) {
  const proto::DatabaseFacts& stored = schema.database();
  const Texts texts(stored.encoding());
  DatabaseFacts facts{.server_version = static_cast<int>(stored.server_version()),
                      .encoding = stored.encoding(),
                      .locale_provider = ProviderNamed(stored.locale_provider()),
                      .collate = stored.collate(),
                      .ctype = stored.ctype(),
                      .locale = stored.locale(),
                      .icu_rules = stored.icu_rules(),
                      .collation_version = stored.collation_version(),
                      .lc_monetary = stored.lc_monetary()};
  const bool is_known = facts.server_version > 0 && facts.server_version < 10'000'000 &&
                        IsEncodingName(facts.encoding) && !facts.locale_provider.empty() &&
                        texts.IsName(facts.collate) && texts.IsName(facts.ctype) && texts.IsValue(facts.locale) &&
                        texts.IsValue(facts.icu_rules) && texts.IsValue(facts.collation_version) &&
                        texts.IsValue(facts.lc_monetary);
  if (!is_known) return {};
  AddSettings(stored, texts, &facts);
  facts.roles = NamesOf(stored.roles(), texts);
  facts.tablespaces = NamesOf(stored.tablespaces(), texts);
  if (texts.IsName(stored.application_role())) facts.application_role = stored.application_role();
  size_t bytes = 0;
  for (const proto::DatabaseCollation& one : stored.collations()) {
    bytes += one.schema().size() + one.name().size() + one.collate().size() + one.ctype().size();
    if (bytes > kMostBytes) break;
    if (!texts.IsName(one.schema()) || !texts.IsName(one.name()) || !texts.IsName(one.collate()) ||
        !texts.IsName(one.ctype())) {
      continue;
    }
    facts.collations.push_back(
        {.schema = one.schema(), .name = one.name(), .collate = one.collate(), .ctype = one.ctype()});
  }
  return facts;
}

}  // namespace rotv::schema
