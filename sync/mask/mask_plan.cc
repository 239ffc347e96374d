#include "sync/mask/mask_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "storage/error.h"
#include "sync/mask/joined_columns.h"
#include "sync/mask/make_masker.h"
#include "sync/mask/mask_carry.h"
#include "sync/mask/pii_detection.h"
#include "sync/mask/read_mask_facts.h"
#include "sync/mask/row_filter.h"
#include "sync/mask/rule_text.h"
#include "sync/mask/secret.h"
#include "sync/mask/stored_mask.h"
#include "sync/mask/value_test.h"
#include "sync/schema/broken_references.h"
#include "sync/schema/follow.h"

namespace rotv::mask {
namespace {

constexpr size_t kMaxReported = 10;

bool OfTables(const MaskRule& rule) { return rule.parts.size() == 2; }

int Exactness(const MaskRule& rule) {
  return static_cast<int>(
      std::count_if(rule.parts.begin(), rule.parts.end(), [](const auto& part) { return part != kAnyPart; }));
}

class Plan {
 public:
  Plan(const SourceConfig& source, const MaskSecret& secret, const MaskFacts& facts, const MaskLineage& lineage,
       postgres::Catalog* catalog)
      : source_(source),
        config_(source.mask),
        secret_(secret),
        facts_(facts),
        catalog_(*catalog),
        carry_(lineage, secret, *catalog),
        used_(config_.rules.size()) {}

  std::vector<PiiColumn> Apply() {
    for (postgres::CatalogTable& table : catalog_.tables) ChooseFor(table);
    DealWithUnknown();
    for (const postgres::CatalogTable& table : catalog_.tables) RefuseDoubtful(table);
    CheckReferences();
    for (postgres::CatalogTable& table : catalog_.tables) MaskColumns(table);
    for (size_t i = 0; i < used_.size(); ++i) {
      const MaskRule& rule = config_.rules[i];
      if (!used_[i]) Problem(fmt::format("{}: there is no such {}", rule.pattern, OfTables(rule) ? "table" : "column"));
    }
    if (config_.empty() && !carry_.SecretProblem().empty()) Problem(carry_.SecretProblem());
    ThrowProblems();
    catalog_.mask_record = carry_.Record(config_);
    return std::move(unknown_);
  }

 private:
  using ColumnId = std::pair<uint32_t, int>;
  struct Choice {
    const MaskRule* rule = nullptr;
    MaskColumn column;
    bool carried = false;  // The rule comes from the store's masks, not from the config.
  };

  void Problem(const std::string& what) {
    if (std::find(problems_.begin(), problems_.end(), what) == problems_.end()) problems_.push_back(what);
  }

  // Returns the most exact rule that names this table or column; null if none does.
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
    if (doubtful) Problem(fmt::format("{}: two rules that are equally exact contradict each other", what));
    return best;
  }

  static bool Names(const MaskRule& rule, const MaskFacts::Table& table, const std::string* column) {
    auto fits = [](const std::string& part, const std::string& name) { return part == kAnyPart || part == name; };
    if (column != nullptr && !fits(rule.parts[2], *column)) return false;
    return std::any_of(table.names.begin(), table.names.end(), [&](const auto& name) {
      return fits(rule.parts[0], name.first) && fits(rule.parts[1], name.second);
    });
  }

  void ChooseFor(postgres::CatalogTable& table) {
    const auto facts = facts_.tables.find(table.oid);
    if (facts == facts_.tables.end()) return;
    ChooseRows(facts->second, table);
    const bool looked_at =
        KeepOf(facts->second) == nullptr && schema::Decide(table, source_).follow != proto::FOLLOW_SCHEMA_ONLY;
    for (const postgres::CatalogColumn& column : table.columns) {
      const auto fact = facts->second.columns.find(column.number);
      if (fact == facts->second.columns.end()) continue;
      const ColumnId id{table.oid, column.number};
      const std::string what = fmt::format("{}.{}", table.quoted_name, column.quoted_name);
      Choice choice{.rule = Find(facts->second, &column.name, what), .column = fact->second};
      const MaskRule* in_force = carry_.RuleFor(facts->second, table, column, choice.rule);
      choice.carried = in_force != choice.rule;
      choice.rule = in_force;
      if (looked_at && choice.rule == nullptr && !fact->second.generated) AddUnknown(table, column, facts->second);
      choices_[id] = choice;
      names_[id] = what;
    }
  }

  // Refuses columns that may hold what was masked elsewhere, and are not masked here. A "keep" for any table (*) is no
  // decision about them.
  void RefuseDoubtful(const postgres::CatalogTable& table) {
    if (table.kind != 'r' || table.of_extension || without_rows_.count(table.oid) != 0) return;
    for (const postgres::CatalogColumn& column : table.columns) {
      const auto choice = choices_.find({table.oid, column.number});
      if (choice == choices_.end()) continue;
      const MaskRule* rule = choice->second.rule;
      if (rule != nullptr && (rule->kind != MaskKind::kKeep || rule->parts[1] != kAnyPart)) continue;
      const std::string doubt = carry_.Doubt(table, column, choice->second.column);
      if (doubt.empty()) continue;
      Problem(doubt);
    }
  }

  // Decides which rows of the table are kept.
  void ChooseRows(const MaskFacts::Table& facts, postgres::CatalogTable& table) {
    const MaskRule* rule = Find(facts, nullptr, table.quoted_name);
    if (rule == nullptr) rule = KeepOf(facts);  // It ends a rule that left out rows before.
    if (const proto::TableMask* before = carry_.RowsFor(facts, table, rule)) {
      CarryRows(*before, facts, table);
    } else if (rule != nullptr) {
      table.mask.set_dropped(rule->kind == MaskKind::kDrop);
      if (rule->kind == MaskKind::kSample) KeepSample(rule->percent, table);
      if (rule->kind == MaskKind::kWhere) KeepWhere(*rule, facts, table);
    }
    table.dropped = table.mask.dropped();
    if (table.dropped || schema::IsExcluded(source_, table.schema, table.name)) without_rows_.insert(table.oid);
  }

  void CarryRows(const proto::TableMask& before, const MaskFacts::Table& facts, postgres::CatalogTable& table) {
    table.mask.set_dropped(before.dropped());
    if (before.sample_percent() > 0) KeepSample(before.sample_percent(), table);
    for (const proto::RowCondition& stored : before.conditions()) {
      const RowCondition condition = ConditionOf(stored);
      auto column = ColumnNamed(facts, condition.column);
      if (column == facts.columns.end()) column = facts.columns.find(static_cast<int>(stored.number()));
      KeepIf({.condition = condition,
              .text = condition.column,
              .pattern = fmt::format("{} (a rule \"where\" left out rows of it, and no rule says otherwise)",
                                     table.quoted_name)},
             facts, column, table);
    }
  }

  void KeepSample(int percent, postgres::CatalogTable& table) {
    table.mask.set_secret_id(SecretId(secret_));
    table.mask.set_sample_percent(percent);
  }

  void KeepWhere(const MaskRule& rule, const MaskFacts::Table& facts, postgres::CatalogTable& table) {
    for (const std::string& text : rule.conditions) {
      const std::optional<RowCondition> condition = ParseRowCondition(text);
      KeepIf({.condition = condition.value_or(RowCondition()), .text = text, .pattern = rule.pattern}, facts,
             condition ? ColumnNamed(facts, condition->column) : facts.columns.end(), table);
    }
  }

  static std::map<int, MaskColumn>::const_iterator ColumnNamed(const MaskFacts::Table& facts, const std::string& name) {
    return std::find_if(facts.columns.begin(), facts.columns.end(),
                        [&](const auto& one) { return one.second.name == name; });
  }

  struct AppliedCondition {
    RowCondition condition;
    std::string text;     // The condition as the config has it.
    std::string pattern;  // The pattern of the rule that it belongs to.
  };
  void KeepIf(const AppliedCondition& applied, const MaskFacts::Table& facts,
              std::map<int, MaskColumn>::const_iterator column, postgres::CatalogTable& table) {
    if (column == facts.columns.end() || column->second.generated) {
      Problem(fmt::format("{}: \"{}\" names no stored column of {}", applied.pattern, applied.text, table.quoted_name));
      return;
    }
    try {
      RowCondition condition = applied.condition;
      condition.column = column->second.name;
      MakeValueTest(condition, column->second.type);
      *table.mask.add_conditions() =
          StoredCondition(condition, static_cast<uint32_t>(column->first), column->second.type);
    } catch (const Error& error) {
      Problem(fmt::format("{}: {}", applied.pattern, error.what()));
    }
  }

  // Returns the most exact "keep" of the table, by which a person has said that it holds no personal data; null if
  // there is none.
  const MaskRule* KeepOf(const MaskFacts::Table& table) {
    const MaskRule* best = nullptr;
    for (size_t i = 0; i < config_.rules.size(); ++i) {
      const MaskRule& rule = config_.rules[i];
      if (!OfTables(rule) || rule.kind != MaskKind::kKeep || !Names(rule, table, nullptr)) continue;
      used_[i] = true;
      if (best == nullptr || Exactness(rule) > Exactness(*best)) best = &rule;
    }
    return best;
  }

  void AddUnknown(const postgres::CatalogTable& table, const postgres::CatalogColumn& column,
                  const MaskFacts::Table& facts) {
    const auto type = facts_.types.find(column.type_oid);
    if (type == facts_.types.end()) return;
    const auto& [schema, name] = facts.names.back();
    unknown_.push_back({.table = &table,
                        .column = &column,
                        .mask = &facts.columns.at(column.number),
                        .type = &type->second,
                        .pattern = MaskPattern({schema, name, column.name})});
  }

  // Unknown columns become NULL only by what their names give away. A sample of values may be different next time, and
  // then the column's values would be stored after all.
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

  // Equal values at both ends of a foreign key must stay equal.
  void CheckReferences() {
    const auto end_of = [&](uint32_t table, int column) {
      const ColumnId id{table, column};
      return ReferenceEnd{.name = names_[id],
                          .rule = RuleOf(id),
                          .column = &choices_[id].column,
                          .without_rows = without_rows_.count(table) != 0,
                          .masked_base = MaskedBaseOf(id)};
    };
    for (const std::string& problem : JoinReferences(facts_.references, end_of)) Problem(problem);
  }

  // Returns the name of a masked column that this generated one is computed from; empty if there is none.
  std::string MaskedBaseOf(const ColumnId& id) {
    for (const int number : choices_[id].column.computed_from) {
      if (RuleOf({id.first, number}) != nullptr) return names_[{id.first, number}];
    }
    return "";
  }

  void MaskColumns(postgres::CatalogTable& table) {
    if (without_rows_.count(table.oid) != 0) return;
    for (postgres::CatalogColumn& column : table.columns) {
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
        Problem(choices_[id].carried ? carry_.Misfit(table, column, masked, *rule, error.what()) : WithWayOut(error));
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
      StoreEquality(*rule, masked, stored);
    }
  }

  static std::string WithWayOut(const Error& error) {
    return error.hint().empty() ? error.what() : fmt::format("{} ({})", error.what(), error.hint());
  }

  static void MaskMissing(const Masker& masker, postgres::CatalogColumn* column) {
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
    for (size_t i = 0; i < problems_.size() && i < kMaxReported; ++i) all += (i == 0 ? "" : "; ") + problems_[i];
    if (problems_.size() > kMaxReported) all += fmt::format("; and {} more", problems_.size() - kMaxReported);
    throw Error(ErrorCode::kUsage, "masking: " + all,
                "fix the rules in [mask] of rotv.toml; nothing was written (docs/masking.md)");
  }

  const SourceConfig& source_;
  const MaskConfig& config_;
  const MaskSecret& secret_;
  const MaskFacts& facts_;
  postgres::Catalog& catalog_;
  MaskCarry carry_;
  std::vector<bool> used_;
  std::map<ColumnId, Choice> choices_;
  std::map<ColumnId, std::string> names_;
  std::set<uint32_t> without_rows_;  // Tables that rules or the config leave without rows here.
  std::vector<PiiColumn> unknown_;   // Columns that PII detection has to examine.
  std::vector<std::string> problems_;
};

}  // namespace

std::vector<PiiColumn> ApplyMaskRules(const SourceConfig& source, const MaskSecret& secret, const MaskFacts& facts,
                                      const MaskLineage& lineage, postgres::Catalog* catalog) {
  return Plan(source, secret, facts, lineage, catalog).Apply();
}

UnmaskedCatalog ReadUnmaskedCatalog(postgres::PgConnection& connection, const Context& context,
                                    const MaskLineage& lineage, const std::string& publication) {
  UnmaskedCatalog unmasked{.catalog = postgres::ReadCatalog(connection, publication), .facts = std::nullopt};
  if (!context.source.mask.empty() || !lineage.empty()) unmasked.facts = ReadMaskFacts(connection);
  return unmasked;
}

postgres::Catalog MaskCatalog(UnmaskedCatalog unmasked, const Context& context, const MaskLineage& lineage,
                              PiiSampler* sampler) {
  postgres::Catalog& catalog = unmasked.catalog;
  if (unmasked.facts) {
    const std::vector<PiiColumn> unknown =
        ApplyMaskRules(context.source, MaskSecretOf(context), *unmasked.facts, lineage, &catalog);
    RefusePii(DetectPii(unknown, *unmasked.facts, sampler), *unmasked.facts);
  }
  schema::SettleReferences(context.source, catalog.server_version, &catalog);
  return std::move(catalog);
}

postgres::Catalog ReadMaskedCatalog(postgres::PgConnection& connection, const Context& context,
                                    const MaskLineage& lineage, const std::string& publication, PiiSampler* sampler) {
  return MaskCatalog(ReadUnmaskedCatalog(connection, context, lineage, publication), context, lineage, sampler);
}

}  // namespace rotv::mask
