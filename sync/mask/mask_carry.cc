#include "sync/mask/mask_carry.h"

#include <fmt/format.h>

#include <algorithm>

#include "sync/mask/rule_text.h"
#include "sync/mask/secret.h"
#include "sync/mask/stored_mask.h"

namespace rotv::mask {
namespace {

const postgres::CatalogColumn* ColumnNamed(const postgres::CatalogTable& table, const std::string& name) {
  const auto column = std::find_if(table.columns.begin(), table.columns.end(),
                                   [&](const postgres::CatalogColumn& candidate) { return candidate.name == name; });
  return column == table.columns.end() ? nullptr : &*column;
}

std::string NameOfRows(const proto::TableMask& mask) {
  if (mask.dropped()) return "drop";
  return mask.sample_percent() > 0 ? "sample" : "where";
}

}  // namespace

MaskCarry::MaskCarry(const MaskLineage& lineage, const MaskSecret& secret, const postgres::Catalog& catalog)
    : lineage_(lineage), secret_(secret), catalog_(catalog), suspicion_(lineage, catalog) {
  for (const postgres::CatalogTable& table : catalog.tables) by_name_[{table.schema, table.name}] = &table;
}

// Returns the table itself, then those that it inherits from.
std::vector<const postgres::CatalogTable*> MaskCarry::WithAncestors(const MaskFacts::Table& facts,
                                                                    const postgres::CatalogTable& table) const {
  std::vector<const postgres::CatalogTable*> all{&table};
  for (const auto& name : facts.names) {
    const auto found = by_name_.find(name);
    if (found != by_name_.end() && found->second != &table) all.push_back(found->second);
  }
  return all;
}

// Finds the mask of the column of this name: an ancestor's column and its child's have the same name.
const proto::MaskedColumn* MaskCarry::MaskOf(const postgres::CatalogTable& table,
                                             const postgres::CatalogColumn& column) const {
  const postgres::CatalogColumn* own = ColumnNamed(table, column.name);
  return own == nullptr ? nullptr : lineage_.MaskOf(table, *own);
}

// A "keep" is a person's decision about this very column only if it names table and column, and was not in the config
// when the column was masked: then it was about another column, which has been renamed since. A "keep" that names an
// ancestor is about those of its children that were masked with it, not about a table that was attached to it later.
bool MaskCarry::Ends(const MaskRule& keep, const MaskFacts::Table& facts, const postgres::CatalogColumn* column) const {
  if (std::any_of(keep.parts.begin() + 1, keep.parts.end(), [](const auto& part) { return part == kAnyPart; }))
    return false;
  if (lineage_.Had(keep)) return false;
  return std::any_of(facts.names.begin(), facts.names.end(), [&](const auto& name) {
    if (keep.parts[1] != name.second || (keep.parts[0] != kAnyPart && keep.parts[0] != name.first)) return false;
    if (&name == &facts.names.front()) return true;
    const auto ancestor = by_name_.find(name);
    if (ancestor == by_name_.end()) return false;
    return column == nullptr ? lineage_.TableMaskOf(*ancestor->second) != nullptr
                             : MaskOf(*ancestor->second, *column) != nullptr;
  });
}

// Any rule masks as well, so it may replace a mask; but a rule that lets a part of the values through, and was in the
// config before, was meant for another column, which had this name then.
bool MaskCarry::Replaces(const MaskRule& named, const std::string& before_rule) const {
  return !MasksInPart(named.kind) || !lineage_.Had(named) || StoredRule(named).SerializeAsString() == before_rule;
}

const MaskRule* MaskCarry::RuleFor(const MaskFacts::Table& facts, const postgres::CatalogTable& table,
                                   const postgres::CatalogColumn& column, const MaskRule* named) {
  if (lineage_.empty() || column.is_generated) return named;
  for (const postgres::CatalogTable* from : WithAncestors(facts, table)) {
    const proto::MaskedColumn* before = MaskOf(*from, column);
    if (before == nullptr) continue;
    if (named != nullptr) {
      const bool keeps = named->kind == MaskKind::kKeep;
      if (keeps ? Ends(*named, facts, &column) : Replaces(*named, before->rule().SerializeAsString())) {
        if (keeps) ended_.emplace(table.oid, column.number);
        return named;
      }
    }
    rules_.push_back(RuleOf(before->rule(), RulePattern(table.schema, table.name, column.name)));
    if (table.kind == 'r') {  // A partitioned table has no rows of its own.
      Carry(*from, fmt::format("{}.{}", table.quoted_name, column.quoted_name), before->rule().name());
    }
    return &rules_.back();
  }
  return named;
}

const proto::TableMask* MaskCarry::RowsFor(const MaskFacts::Table& facts, const postgres::CatalogTable& table,
                                           const MaskRule* named) {
  for (const postgres::CatalogTable* from : WithAncestors(facts, table)) {
    const proto::TableMask* before = lineage_.TableMaskOf(*from);
    if (before == nullptr) continue;
    if (named != nullptr) {
      const bool keeps = named->kind == MaskKind::kKeep;
      // A rule that left out all rows is not replaced by a rule that was already there, to leave out some rows of
      // another table.
      const bool replaces = !before->dropped() || !MasksInPart(named->kind) || !lineage_.Had(*named);
      if (keeps ? Ends(*named, facts, nullptr) : replaces) {
        if (keeps) ended_.emplace(table.oid, 0);
        return nullptr;
      }
    }
    if (table.kind == 'r') Carry(*from, table.quoted_name, NameOfRows(*before));
    return before;
  }
  return nullptr;
}

void MaskCarry::Carry(const postgres::CatalogTable& from, const std::string& what, const std::string& rule) {
  proto::CarriedMask& mask = carried_.emplace_back();
  mask.set_what(what);
  mask.set_rule(rule);
  const std::string made_with = lineage_.SecretIdOf(from);
  if (!made_with.empty() && made_with != SecretId(secret_)) ++of_another_secret_;
}

std::string MaskCarry::LineToAdd(const postgres::CatalogTable& table, const postgres::CatalogColumn& column,
                                 const MaskColumn& facts, const MaskRule& was) const {
  return fmt::format("add {} to [mask], or \"keep\" instead of the rule",
                     RuleLine(RulePattern(table.schema, table.name, column.name), RuleThatFits(was, facts, secret_)));
}

std::string MaskCarry::Doubt(const postgres::CatalogTable& table, const postgres::CatalogColumn& column,
                             const MaskColumn& facts) const {
  const std::optional<MaskSuspicion::Reason> suspicion = suspicion_.Of(table, column, facts);
  if (!suspicion) return "";
  return fmt::format("{}.{} {}: {}", table.quoted_name, column.quoted_name, suspicion->text,
                     LineToAdd(table, column, facts, RuleOf(suspicion->was, "")));
}

std::string MaskCarry::Misfit(const postgres::CatalogTable& table, const postgres::CatalogColumn& column,
                              const MaskColumn& facts, const MaskRule& rule, const std::string& why) const {
  return fmt::format("{} (its values were masked by {}, and no rule says otherwise): {}", why, RuleText(rule),
                     LineToAdd(table, column, facts, rule));
}

std::string MaskCarry::SecretProblem() const {
  if (of_another_secret_ == 0) return "";
  return fmt::format(
      "masks of {} tables or columns ({} among them) have no rule in the config, and the secret is not the one they "
      "were "
      "made with: add mask_secret = \"FILE\" to [mask], with the former secret",
      of_another_secret_, carried_.front().what());
}

proto::MaskRecord MaskCarry::Record(const MaskConfig& config) const {
  proto::MaskRecord record;
  for (const MaskRule& rule : config.rules) {
    proto::ConfigMaskRule* stored = record.add_rules();
    stored->set_pattern(rule.pattern);
    *stored->mutable_rule() = StoredRule(rule);
  }
  for (proto::FormerMask& former : lineage_.FormerAfter(catalog_, ended_)) *record.add_former() = std::move(former);
  for (const proto::CarriedMask& mask : carried_) *record.add_carried() = mask;
  return record;
}

}  // namespace rotv::mask
