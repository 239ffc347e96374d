#include "cli/config/mask_config.h"

#include <fmt/format.h>

#include <optional>
#include <type_traits>
#include <vector>

#include "cli/config/pattern_parts.h"
#include "cli/output/did_you_mean.h"
#include "storage/error.h"
#include "sync/context/mask_rule_table.h"
#include "sync/context/row_condition.h"

namespace rotv::config {
namespace {

class Reader {
 public:
  explicit Reader(const FailAt& fail) : fail_(fail) {}

  MaskConfig Read(const toml::table& table) const {
    MaskConfig config{.declared = true, .rules = {}, .secret_file = {}};
    for (const auto& [key, node] : table) {
      if (key.str() == "mask_unknown") {
        config.unknown = ReadUnknown(key, node);
      } else if (key.str() == "mask_secret") {
        config.secret_file = ReadString(key, node);
      } else {
        MaskRule rule = ReadRule(key, node, std::string(key.str()));
        rule.parts = PartsOf(key);
        CheckParts(key, rule);
        config.rules.push_back(std::move(rule));
      }
    }
    return config;
  }

 private:
  [[noreturn]] void Fail(const toml::key& key, const std::string& what, const std::string& hint) const {
    fail_(key.source(), what, hint);
    throw Error(ErrorCode::kBug, "FailAt returned instead of throwing");
  }

  std::string ReadString(const toml::key& key, const toml::node& node) const {
    const auto* text = node.as_string();
    if (text == nullptr || text->get().empty())
      Fail(key, fmt::format("\"{}\" is not a text", key.str()), "a text in quotes");
    return text->get();
  }

  int64_t ReadNumber(const toml::key& key, const toml::node& node, int64_t least, int64_t most) const {
    const auto* number = node.as_integer();
    if (number == nullptr || number->get() < least || number->get() > most) {
      Fail(key, fmt::format("\"{}\" is out of range", key.str()),
           fmt::format("a whole number from {} to {}", least, most));
    }
    return number->get();
  }

  MaskUnknown ReadUnknown(const toml::key& key, const toml::node& node) const {
    const std::string text = ReadString(key, node);
    if (text == "refuse") return MaskUnknown::kRefuse;
    if (text == "null") return MaskUnknown::kNull;
    if (text == "keep") return MaskUnknown::kKeep;
    Fail(key, fmt::format("\"mask_unknown\" is \"{}\"", text), "\"refuse\", \"null\" or \"keep\"");
  }

  std::vector<std::string> PartsOf(const toml::key& key) const {
    std::optional<std::vector<std::string>> parts = PatternParts(key.str());
    if (!parts || parts->size() < 2 || parts->size() > 3) {
      Fail(key, fmt::format("\"{}\" names neither a table nor a column", key.str()),
           "\"schema.table\" or \"schema.table.column\", where * matches any");
    }
    return *std::move(parts);
  }

  MaskRule ReadRule(const toml::key& key, const toml::node& node, const std::string& pattern) const {
    MaskRule rule{.pattern = pattern, .parts = {}};
    if (const auto* name = node.as_string()) {
      SetKind(key, name->get(), &rule);
    } else if (const auto* table = node.as_table()) {
      const auto* named = table->get_as<std::string>("rule");
      if (named == nullptr)
        Fail(key, fmt::format("\"{}\" does not say which rule", pattern), "{ rule = \"hash\", length = 40 }");
      SetKind(key, named->get(), &rule);
      for (const auto& [setting, value] : *table) {
        if (setting.str() != "rule") ReadSetting(setting, value, &rule);
      }
    } else {
      Fail(key, fmt::format("\"{}\" is not a rule", pattern), "such as \"email\" or { rule = \"hash\", length = 40 }");
    }
    for (const MaskSetting& setting : RowOf(rule.kind).settings) {
      const auto* table = node.as_table();
      if (!setting.required || (table != nullptr && table->contains(setting.name))) continue;
      Fail(key, fmt::format("\"{}\" needs \"{}\"", rule.name, setting.name),
           fmt::format("{{ rule = \"{}\", {} = … }}", rule.name, setting.name));
    }
    return rule;
  }

  void SetKind(const toml::key& key, const std::string& name, MaskRule* rule) const {
    const MaskRuleRow* row = RowNamed(name);
    if (row == nullptr) {
      Fail(key, fmt::format("there is no rule \"{}\"", name),
           output::DidYouMean(name, MaskRuleNames(), "the rules are"));
    }
    rule->kind = row->kind;
    rule->name = name;
  }

  void ReadSetting(const toml::key& key, const toml::node& node, MaskRule* rule) const {
    for (const MaskSetting& setting : RowOf(rule->kind).settings) {
      if (key.str() == setting.name) return ReadValue(setting, key, node, rule);
    }
    Fail(key, fmt::format("\"{}\" does not take \"{}\"", rule->name, key.str()), "see docs/masking.md");
  }

  void ReadValue(const MaskSetting& setting, const toml::key& key, const toml::node& node, MaskRule* rule) const {
    std::visit(
        [&](auto member) {
          using Value = std::decay_t<decltype(rule->*member)>;
          if constexpr (std::is_integral_v<Value>) {
            rule->*member = static_cast<Value>(ReadNumber(key, node, setting.least, setting.most));
          } else if constexpr (std::is_same_v<Value, std::string>) {
            rule->*member = ReadString(key, node);
          } else if constexpr (std::is_same_v<Value, std::vector<std::string>>) {
            ReadConditions(key, node, rule);
          } else {
            ReadPaths(key, node, rule);
          }
        },
        setting.member);
  }

  void ReadConditions(const toml::key& key, const toml::node& node, MaskRule* rule) const {
    const std::string example = "{ rule = \"where\", all = [\"created_at >= 2026-01-01\", \"status <> 'draft'\"] }";
    const auto* conditions = node.as_array();
    if (conditions == nullptr || conditions->empty()) Fail(key, "\"all\" has no conditions", example);
    for (const toml::node& element : *conditions) {
      const auto* text = element.as_string();
      if (text == nullptr || !ParseRowCondition(text->get())) {
        Fail(key, fmt::format("\"{}\" is not a condition", text == nullptr ? "all" : text->get()),
             "COLUMN = VALUE, with <>, <, <=, > or >=, or COLUMN is null, is not null; " + example);
      }
      rule->conditions.push_back(text->get());
    }
  }

  void ReadPaths(const toml::key& key, const toml::node& node, MaskRule* rule) const {
    const auto* paths = node.as_table();
    if (paths == nullptr || paths->empty()) {
      Fail(key, "\"paths\" has no paths", "{ rule = \"json\", paths = { \"$.email\" = \"email\" } }");
    }
    for (const auto& [path, inner] : *paths) {
      MaskRule of_path = ReadRule(path, inner, rule->pattern);
      if (RowOf(of_path.kind).in_documents == MaskRuleRow::InDocuments::kNowhere) {
        Fail(path, fmt::format("\"{}\" is not a rule for a part of a document", of_path.name),
             "such as \"text\" or \"null\"");
      }
      rule->paths.push_back({std::string(path.str()), std::move(of_path)});
    }
  }

  void CheckParts(const toml::key& key, const MaskRule& rule) const {
    const MaskRuleRow::For what = RowOf(rule.kind).what;
    const bool of_tables = what == MaskRuleRow::For::kTables;
    if (what == MaskRuleRow::For::kBoth || of_tables == (rule.parts.size() == 2)) return;
    Fail(key, fmt::format("\"{}\" is for {}", rule.name, of_tables ? "tables" : "columns"),
         "\"schema.table\" names a table, \"schema.table.column\" a column");
  }

  const FailAt& fail_;
};

}  // namespace

MaskConfig ReadMaskConfig(const toml::table& table, const FailAt& fail) { return Reader(fail).Read(table); }

std::string MaskRuleList() {
  std::string list;
  for (const MaskRuleRow& row : MaskRuleTable()) {
    const char* what = row.what == MaskRuleRow::For::kTables ? "a table: " : "";
    list += fmt::format("  {:10}  {}{}\n", row.name, what, row.help);
  }
  return list;
}

}  // namespace rotv::config
