#include "sync/mask/mask_lineage.h"

#include <fmt/format.h>

#include <algorithm>

#include "storage/error.h"
#include "sync/context/mask_rule_table.h"
#include "sync/mask/make_masker.h"
#include "sync/mask/rule_text.h"
#include "sync/mask/stored_mask.h"

namespace rotv::mask {

// A rule in rotv.toml names a column by its name, and names change: a partition is detached, a table is rebuilt by
// rename, a column is renamed under a pattern with a star, a rule is deleted by mistake. Each of these would take a
// column out of its rule without a word, and the next pull would copy real values. So the store remembers what it has
// masked, and a mask ends only by a person's decision about that very column.
//
// A column is the same if (pg_class.oid, attnum) is, which no rename changes and which is not used again while the
// table exists. A table that the last pull did not know is matched by its full name, since a table that is dropped and
// created again gets a new oid; so is every table if the source is another database now (kOther), where oids mean
// nothing.
//
// The record is in the schema version: `former` has the masks that no table of that version carries (tables without
// rows here, columns that were dropped). It must not grow with the history, so of a column that is gone only one mask
// for each name and rule is kept: a table that is created every day would otherwise add an entry a day.
//
// Two alternatives were refused. Carrying masks on by name alone loses a mask with a rename; a fingerprint of values
// would find copies, but would have to keep something of the values that are not to be kept.

namespace {

std::string Serialized(const MaskRule& rule) {
  proto::ConfigMaskRule stored;
  stored.set_pattern(rule.pattern);
  *stored.mutable_rule() = StoredRule(rule);
  return stored.SerializeAsString();
}

bool HasTableRule(const proto::TableMask& mask) {
  return mask.dropped() || mask.sample_percent() > 0 || mask.conditions_size() > 0;
}

const postgres::CatalogColumn* ColumnNumbered(const postgres::CatalogTable& table, uint32_t number) {
  for (const postgres::CatalogColumn& column : table.columns) {
    if (column.number == static_cast<int>(number)) return &column;
  }
  return nullptr;
}

bool IsMaskedNow(const postgres::CatalogTable& table, uint32_t number) {
  return std::any_of(table.mask.columns().begin(), table.mask.columns().end(),
                     [&](const proto::MaskedColumn& masked) { return masked.number() == number; });
}

using NameAndRule = std::pair<std::string, std::string>;
NameAndRule NameAndRuleOf(const proto::MaskedColumn& masked) {
  return {masked.name(), masked.rule().SerializeAsString()};
}

}  // namespace

MaskLineage::MaskLineage(const proto::SchemaVersion& before, Database database) : database_(database) {
  // Masks that are in force now are added last, and take precedence over former ones.
  for (const proto::FormerMask& former : before.mask_record().former()) {
    Add(former.table(), {.schema = former.schema(), .name = former.name(), .mask = former.mask()});
  }
  for (const proto::Table& table : before.tables()) {
    Columns& columns = columns_[table.id()];
    for (const proto::ColumnState& column : table.state().columns()) {
      columns[static_cast<int>(column.number())] = {.name = column.name(), .generated = column.generated()};
    }
    Add(table.id(), {.schema = table.schema(), .name = table.name(), .mask = table.mask()});
  }
  for (const auto& [oid, table] : tables_) {
    const bool is_there = columns_.count(oid) != 0;
    const auto [known, is_new] = by_name_.try_emplace({table.schema, table.name}, oid);
    if (!is_new && is_there) known->second = oid;
  }
  for (const proto::ConfigMaskRule& rule : before.mask_record().rules()) rules_.insert(rule.SerializeAsString());
}

void MaskLineage::Add(uint32_t oid, Table table) {
  if (table.mask.columns_size() == 0 && !HasTableRule(table.mask)) return;
  auto [known, is_new] = tables_.try_emplace(oid, table);
  if (is_new) return;
  // The former masks are kept for columns that are not masked by those in force.
  for (const proto::MaskedColumn& former : known->second.mask.columns()) {
    const auto& now = table.mask.columns();
    if (std::none_of(now.begin(), now.end(), [&](const auto& one) { return one.number() == former.number(); })) {
      *table.mask.add_columns() = former;
    }
  }
  if (!HasTableRule(table.mask)) {
    table.mask.set_dropped(known->second.mask.dropped());
    table.mask.set_sample_percent(known->second.mask.sample_percent());
    *table.mask.mutable_conditions() = known->second.mask.conditions();
  }
  known->second = std::move(table);
}

const MaskLineage::Columns* MaskLineage::ColumnsOf(uint32_t table) const {
  if (database_ == Database::kOther) return nullptr;
  const auto known = columns_.find(table);
  return known == columns_.end() ? nullptr : &known->second;
}

const MaskLineage::Table* MaskLineage::Find(const postgres::CatalogTable& table) const {
  if (ColumnsOf(table.oid) != nullptr) {
    const auto found = tables_.find(table.oid);
    return found == tables_.end() ? nullptr : &found->second;
  }
  const auto found = by_name_.find({table.schema, table.name});
  return found == by_name_.end() ? nullptr : &tables_.at(found->second);
}

const proto::TableMask* MaskLineage::TableMaskOf(const postgres::CatalogTable& table) const {
  const Table* found = Find(table);
  return found != nullptr && HasTableRule(found->mask) ? &found->mask : nullptr;
}

const proto::MaskedColumn* MaskLineage::MaskOf(const postgres::CatalogTable& table,
                                               const postgres::CatalogColumn& column) const {
  const Table* found = Find(table);
  if (found == nullptr) return nullptr;
  const Columns* columns = ColumnsOf(table.oid);
  const bool known = columns != nullptr && columns->count(column.number) != 0;
  for (const proto::MaskedColumn& masked : found->mask.columns()) {
    if (known ? masked.number() == static_cast<uint32_t>(column.number) : masked.name() == column.name) return &masked;
  }
  return nullptr;
}

std::string MaskLineage::SecretIdOf(const postgres::CatalogTable& table) const {
  const Table* found = Find(table);
  return found == nullptr ? "" : found->mask.secret_id();
}

bool MaskLineage::Had(const MaskRule& rule) const { return rules_.count(Serialized(rule)) != 0; }

std::vector<proto::FormerMask> MaskLineage::FormerAfter(const postgres::Catalog& catalog,
                                                        const std::set<std::pair<uint32_t, int>>& ended) const {
  std::map<uint32_t, const postgres::CatalogTable*> there;
  std::set<NameAndRule> remembered;  // One mask for each dropped name is enough: a table that is created every day
                                     // would add one a day.
  for (const postgres::CatalogTable& table : catalog.tables) {
    if (database_ == Database::kSame) there[table.oid] = &table;
    for (const proto::MaskedColumn& masked : table.mask.columns()) remembered.insert(NameAndRuleOf(masked));
  }
  std::vector<proto::FormerMask> all;
  for (auto entry = tables_.rbegin(); entry != tables_.rend(); ++entry) {  // Newer tables come first.
    const auto& [oid, table] = *entry;
    const auto now = there.find(oid);
    proto::FormerMask former;
    for (const proto::MaskedColumn& masked : table.mask.columns()) {
      if (ended.count({oid, static_cast<int>(masked.number())}) != 0) continue;
      const bool is_there = now != there.end() && ColumnNumbered(*now->second, masked.number()) != nullptr;
      if (is_there ? IsMaskedNow(*now->second, masked.number()) : !remembered.insert(NameAndRuleOf(masked)).second) {
        continue;
      }
      *former.mutable_mask()->add_columns() = masked;
    }
    if (now != there.end() && !HasTableRule(now->second->mask) && ended.count({oid, 0}) == 0) {
      former.mutable_mask()->set_dropped(table.mask.dropped());
      former.mutable_mask()->set_sample_percent(table.mask.sample_percent());
      *former.mutable_mask()->mutable_conditions() = table.mask.conditions();
    }
    if (former.mask().columns_size() == 0 && !HasTableRule(former.mask())) continue;
    former.set_table(oid);
    former.set_schema(now != there.end() ? now->second->schema : table.schema);
    former.set_name(now != there.end() ? now->second->name : table.name);
    former.mutable_mask()->set_secret_id(table.mask.secret_id());
    all.push_back(std::move(former));
  }
  return all;
}

MaskRule RuleThatFits(const MaskRule& was, const MaskColumn& column, const MaskSecret& secret) {
  std::vector<MaskRule> candidates = {was};
  for (const MaskKind kind : {MaskKind::kText, MaskKind::kNumber, MaskKind::kDate, MaskKind::kUuid, MaskKind::kIp,
                              MaskKind::kHash, MaskKind::kNull}) {
    candidates.push_back(SuggestedRule(kind));
  }
  for (const MaskRule& rule : candidates) {
    try {
      MakeMasker(rule, column, secret);
      return rule;
    } catch (const Error&) {
      continue;  // It does not fit.
    }
  }
  return SuggestedRule(MaskKind::kKeep);
}

bool MasksInPart(MaskKind kind) { return RowOf(kind).in_part; }

}  // namespace rotv::mask
