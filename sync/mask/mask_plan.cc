#include "sync/mask/mask_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "storage/error.h"
#include "sync/follow.h"
#include "sync/mask/mask_facts.h"
#include "sync/mask/pii_detection.h"
#include "sync/mask/row_filter.h"
#include "sync/mask/secret.h"
#include "sync/mask/stored_mask.h"

namespace rotv {
namespace {

constexpr std::string_view kAny = "*";
constexpr size_t kMostTold = 10;

bool OfTables(const MaskRule& rule) { return rule.parts.size() == 2; }

int Exactness(const MaskRule& rule) {
  return static_cast<int>(
      std::count_if(rule.parts.begin(), rule.parts.end(), [](const auto& part) { return part != kAny; }));
}

class Plan {
 public:
  Plan(const SourceConfig& source, const MaskSecret& secret, const MaskFacts& facts, Catalog* catalog)
      : source_(source),
        config_(source.mask),
        secret_(secret),
        facts_(facts),
        catalog_(*catalog),
        used_(config_.rules.size()) {}

  std::vector<PiiColumn> Apply() {
    for (CatalogTable& table : catalog_.tables) ChooseFor(table);
    DealWithUnknown();
    CheckReferences();
    CheckSamples();
    for (CatalogTable& table : catalog_.tables) MaskColumns(table);
    for (size_t i = 0; i < used_.size(); ++i) {
      const MaskRule& rule = config_.rules[i];
      if (!used_[i]) Problem(fmt::format("{}: there is no such {}", rule.pattern, OfTables(rule) ? "table" : "column"));
    }
    ThrowProblems();
    return std::move(unknown_);
  }

 private:
  using ColumnId = std::pair<uint32_t, int>;
  struct Choice {
    const MaskRule* rule = nullptr;
    MaskColumn column;
  };

  void Problem(const std::string& what) {
    if (std::find(problems_.begin(), problems_.end(), what) == problems_.end()) problems_.push_back(what);
  }

  // The most exact of the rules that name this; null if none does.
  const MaskRule* Find(const MaskFacts::Table& table, const std::string* column, const std::string& what) {
    const MaskRule* best = nullptr;
    bool doubtful = false;
    for (size_t i = 0; i < config_.rules.size(); ++i) {
      const MaskRule& rule = config_.rules[i];
      const bool keeps_table = OfTables(rule) && rule.kind == MaskKind::kKeep;
      if (keeps_table || OfTables(rule) != (column == nullptr) || !Names(rule, table, column)) continue;
      used_[i] = true;
      const int difference = best == nullptr ? 1 : Exactness(rule) - Exactness(*best);
      if (difference == 0) doubtful |= StoredRule(rule).SerializeAsString() != StoredRule(*best).SerializeAsString();
      if (difference <= 0) continue;
      best = &rule;
      doubtful = false;
    }
    if (doubtful) Problem(fmt::format("{}: two rules that are equally exact say different things of it", what));
    return best;
  }

  static bool Names(const MaskRule& rule, const MaskFacts::Table& table, const std::string* column) {
    auto fits = [](const std::string& part, const std::string& name) { return part == kAny || part == name; };
    if (column != nullptr && !fits(rule.parts[2], *column)) return false;
    return std::any_of(table.names.begin(), table.names.end(), [&](const auto& name) {
      return fits(rule.parts[0], name.first) && fits(rule.parts[1], name.second);
    });
  }

  void ChooseFor(CatalogTable& table) {
    const auto facts = facts_.tables.find(table.oid);
    if (facts == facts_.tables.end()) return;
    const MaskRule* rule = Find(facts->second, nullptr, table.quoted_name);
    table.dropped = rule != nullptr && rule->kind == MaskKind::kDrop;
    if (table.dropped || IsExcluded(source_, table.schema, table.name)) without_rows_.insert(table.oid);
    if (rule != nullptr && rule->kind == MaskKind::kSample) {
      table.mask.set_secret_id(SecretId(secret_));
      table.mask.set_sample_percent(rule->percent);
      sampled_[table.oid] = rule->pattern;
    }
    if (rule != nullptr && rule->kind == MaskKind::kWhere) KeepWhere(*rule, facts->second, table);
    const bool looked_at = !IsFine(facts->second) && Decide(table, source_).follow != proto::FOLLOW_SCHEMA_ONLY;
    for (const CatalogColumn& column : table.columns) {
      const auto fact = facts->second.columns.find(column.number);
      if (fact == facts->second.columns.end()) continue;
      const ColumnId id{table.oid, column.number};
      const std::string what = fmt::format("{}.{}", table.quoted_name, column.quoted_name);
      Choice choice{.rule = Find(facts->second, &column.name, what), .column = fact->second};
      if (looked_at && choice.rule == nullptr && !fact->second.generated) AddUnknown(table, column, facts->second);
      choices_[id] = choice;
      names_[id] = what;
    }
  }

  void KeepWhere(const MaskRule& rule, const MaskFacts::Table& facts, CatalogTable& table) {
    sampled_[table.oid] = rule.pattern;
    for (const std::string& text : rule.conditions) {
      const std::optional<RowCondition> condition = ParseRowCondition(text);
      const auto column = std::find_if(facts.columns.begin(), facts.columns.end(), [&](const auto& one) {
        return condition && one.second.name == condition->column;
      });
      if (column == facts.columns.end() || column->second.generated) {
        Problem(fmt::format("{}: \"{}\" is about no column of {} that rows come with", rule.pattern, text,
                            table.quoted_name));
        continue;
      }
      try {
        MakeValueTest(*condition, column->second.type);
        *table.mask.add_conditions() =
            StoredCondition(*condition, static_cast<uint32_t>(column->first), column->second.type);
      } catch (const Error& error) {
        Problem(fmt::format("{}: {}", rule.pattern, error.what()));
      }
    }
  }

  // A person has said that nothing personal is in the table.
  bool IsFine(const MaskFacts::Table& table) {
    bool fine = false;
    for (size_t i = 0; i < config_.rules.size(); ++i) {
      const MaskRule& rule = config_.rules[i];
      if (!OfTables(rule) || rule.kind != MaskKind::kKeep || !Names(rule, table, nullptr)) continue;
      used_[i] = true;
      fine = true;
    }
    return fine;
  }

  void AddUnknown(const CatalogTable& table, const CatalogColumn& column, const MaskFacts::Table& facts) {
    const auto type = facts_.types.find(column.type_oid);
    if (type == facts_.types.end()) return;
    const auto& [schema, name] = facts.names.back();
    unknown_.push_back({.table = &table,
                        .column = &column,
                        .mask = &facts.columns.at(column.number),
                        .type = &type->second,
                        .pattern = MaskPattern({schema, name, column.name})});
  }

  // What is unknown may be made NULL by what names give away only: a sample of values may be another one next time, and
  // the column's values would be here after all.
  void DealWithUnknown() {
    static const MaskRule kNull{.kind = MaskKind::kNull, .name = "null", .pattern = "mask_unknown", .parts = {}};
    if (config_.empty() || config_.unknown == MaskUnknown::kKeep) unknown_.clear();
    if (config_.unknown != MaskUnknown::kNull) return;
    std::set<ColumnId> masked;
    for (const PiiFinding& finding : DetectByName(unknown_, facts_)) {
      const MaskColumn& column = *finding.column.mask;
      if (column.not_null || column.partition_key) continue;
      choices_[finding.column.id()].rule = &kNull;
      masked.insert(finding.column.id());
    }
    std::erase_if(unknown_, [&](const PiiColumn& column) { return masked.count(column.id()) != 0; });
  }

  const MaskRule* RuleOf(const ColumnId& id) const {
    const auto choice = choices_.find(id);
    if (choice == choices_.end() || choice->second.rule == nullptr) return nullptr;
    return choice->second.rule->kind == MaskKind::kKeep ? nullptr : choice->second.rule;
  }

  // Both sides of a foreign key must be masked alike, and what is referenced is unique.
  void CheckReferences() {
    for (const MaskFacts::Reference& reference : facts_.references) {
      const ColumnId from{reference.table, reference.column},
          to{reference.referenced_table, reference.referenced_column};
      const MaskRule* from_rule = RuleOf(from);
      const MaskRule* to_rule = RuleOf(to);
      if (from_rule == nullptr && to_rule == nullptr) continue;
      if (without_rows_.count(from.first) != 0 || without_rows_.count(to.first) != 0) continue;
      const auto bytes = [](const MaskRule* rule) {
        return rule == nullptr ? "" : StoredRule(*rule).SerializeAsString();
      };
      if (bytes(from_rule) != bytes(to_rule)) {
        Problem(fmt::format("{} references {}: both need the same rule", names_[from], names_[to]));
        continue;
      }
      choices_[from].column.unique = choices_[to].column.unique = true;
    }
  }

  // Rows that are left out must be missed by nobody.
  void CheckSamples() {
    for (const MaskFacts::Reference& reference : facts_.references) {
      const auto sampled = sampled_.find(reference.referenced_table);
      if (sampled == sampled_.end() || without_rows_.count(reference.table) != 0) continue;
      Problem(fmt::format("{}: {} references it, and would reference rows that are left out", sampled->second,
                          names_[{reference.table, reference.column}]));
    }
  }

  void MaskColumns(CatalogTable& table) {
    if (without_rows_.count(table.oid) != 0) return;
    for (CatalogColumn& column : table.columns) {
      const ColumnId id{table.oid, column.number};
      const MaskRule* rule = RuleOf(id);
      if (rule == nullptr) continue;
      const MaskColumn& masked = choices_[id].column;
      MaskRule named = *rule;
      named.pattern = names_[id];
      try {
        const std::unique_ptr<const Masker> masker = MakeMasker(named, masked, secret_);
        if (column.missing) MaskMissing(*masker, &column);
      } catch (const Error& error) {
        Problem(error.what());
        continue;
      }
      table.mask.set_secret_id(SecretId(secret_));
      proto::MaskedColumn* stored = table.mask.add_columns();
      stored->set_number(static_cast<uint32_t>(column.number));
      stored->set_name(column.name);
      *stored->mutable_rule() = StoredRule(*rule);
      stored->set_type(masked.type);
      stored->set_limit(masked.limit);
      stored->set_precision(masked.precision);
      stored->set_scale(masked.scale);
      stored->set_unique(masked.unique);
    }
  }

  static void MaskMissing(const Masker& masker, CatalogColumn* column) {
    std::string value;
    if (masker.Append(*column->missing, &value)) {
      column->missing = value;
    } else {
      column->missing.reset();
    }
  }

  void ThrowProblems() const {
    if (problems_.empty()) return;
    std::string all;
    for (size_t i = 0; i < problems_.size() && i < kMostTold; ++i) all += (i == 0 ? "" : "; ") + problems_[i];
    if (problems_.size() > kMostTold) all += fmt::format("; and {} more", problems_.size() - kMostTold);
    throw Error(ErrorCode::kUsage, "masking: " + all,
                "mend the rules in [mask] of rotv.toml; nothing was written (docs/masking.md)");
  }

  const SourceConfig& source_;
  const MaskConfig& config_;
  const MaskSecret& secret_;
  const MaskFacts& facts_;
  Catalog& catalog_;
  std::vector<bool> used_;
  std::map<ColumnId, Choice> choices_;
  std::map<ColumnId, std::string> names_;
  std::set<uint32_t> without_rows_;          // Tables that rules or the config leave without rows here.
  std::map<uint32_t, std::string> sampled_;  // Tables of which a part of the rows is kept, with the rule's pattern.
  std::vector<PiiColumn> unknown_;           // What PII detection has to look at.
  std::vector<std::string> problems_;
};

}  // namespace

std::vector<PiiColumn> ApplyMaskRules(const SourceConfig& source, const MaskSecret& secret, const MaskFacts& facts,
                                      Catalog* catalog) {
  return Plan(source, secret, facts, catalog).Apply();
}

Catalog ReadMaskedCatalog(PgConnection& connection, const Context& context, const std::string& publication,
                          PiiSampler* sampler) {
  Catalog catalog = ReadCatalog(connection, publication);
  const MaskConfig& config = context.source.mask;
  if (config.empty()) return catalog;
  const MaskFacts facts = ReadMaskFacts(connection);
  const MaskSecret secret = ReadMaskSecret(context.home, config.secret_file);
  const std::vector<PiiColumn> unknown = ApplyMaskRules(context.source, secret, facts, &catalog);
  RefusePii(DetectPii(unknown, facts, sampler), facts);
  return catalog;
}

}  // namespace rotv
