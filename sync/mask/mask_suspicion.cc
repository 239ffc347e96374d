#include "sync/mask/mask_suspicion.h"

#include <fmt/format.h>

#include <algorithm>

#include "sync/mask/rule_text.h"
#include "sync/mask/stored_mask.h"

namespace rotv::mask {
namespace {

std::string SmallLetters(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

// True if values can have been converted between these types: by a cast within a family, or to text and documents.
bool MayHold(const std::string& type, const std::string& values_of) {
  static const std::map<std::string, char> kFamilies = {
      {"text", 't'},      {"varchar", 't'},     {"bpchar", 't'}, {"citext", 't'}, {"name", 't'},
      {"json", 't'},      {"jsonb", 't'},       {"int2", 'n'},   {"int4", 'n'},   {"int8", 'n'},
      {"numeric", 'n'},   {"float4", 'n'},      {"float8", 'n'}, {"money", 'n'},  {"date", 'd'},
      {"timestamp", 'd'}, {"timestamptz", 'd'}, {"inet", 'i'},   {"cidr", 'i'}};
  const auto family = kFamilies.find(type);
  if (family == kFamilies.end()) return type == values_of;
  const auto other = kFamilies.find(values_of);
  return family->second == 't' || (other != kFamilies.end() && family->second == other->second);
}

std::string MaskedBy(const proto::MaskRule& rule) {
  return fmt::format("which was masked by {}", RuleText(RuleOf(rule, "")));
}

bool HasColumn(const postgres::CatalogTable& table, const std::string& name) {
  return std::any_of(table.columns.begin(), table.columns.end(),
                     [&](const postgres::CatalogColumn& column) { return column.name == name; });
}

bool HasColumn(const postgres::CatalogTable& table, int number) {
  return std::any_of(table.columns.begin(), table.columns.end(),
                     [&](const postgres::CatalogColumn& column) { return column.number == number; });
}

bool HasColumn(const MaskLineage::Columns& columns, const std::string& name) {
  return std::any_of(columns.begin(), columns.end(), [&](const auto& column) { return column.second.name == name; });
}

bool IsMasked(const MaskLineage::Table& table, int number) {
  return std::any_of(table.mask.columns().begin(), table.mask.columns().end(), [&](const proto::MaskedColumn& masked) {
    return masked.number() == static_cast<uint32_t>(number);
  });
}

}  // namespace

MaskSuspicion::MaskSuspicion(const MaskLineage& lineage, const postgres::Catalog& catalog) : lineage_(lineage) {
  if (lineage.database() == MaskLineage::Database::kOther) return;  // Everything is new, so nothing follows from that.
  for (const postgres::CatalogTable& table : catalog.tables) there_.insert(table.oid);
  LearnNames(catalog);
}

// Learns the former and the present names: a column may have been renamed before it was copied.
void MaskSuspicion::LearnNames(const postgres::Catalog& catalog) {
  for (const auto& [oid, table] : lineage_.tables()) {
    for (const proto::MaskedColumn& masked : table.mask.columns()) {
      LearnName(table.schema, table.name, masked.name(), masked.rule());
    }
    const MaskLineage::Columns* columns = lineage_.ColumnsOf(oid);
    if (columns == nullptr || table.mask.columns().empty()) continue;
    for (const auto& [number, column] : *columns) {
      if (column.generated) LearnName(table.schema, table.name, column.name, table.mask.columns(0).rule());
    }
  }
  for (const postgres::CatalogTable& table : catalog.tables) {
    const auto known = lineage_.tables().find(table.oid);
    const bool has_masks = known != lineage_.tables().end() && !known->second.mask.columns().empty();
    if (has_masks) LearnReplacements(table, known->second);
    for (const postgres::CatalogColumn& column : table.columns) {
      if (const proto::MaskedColumn* masked = lineage_.MaskOf(table, column)) {
        LearnName(table.schema, table.name, column.name, masked->rule());
      } else if (has_masks && column.is_generated) {
        LearnName(table.schema, table.name, column.name, known->second.mask.columns(0).rule());
      }
    }
  }
}

void MaskSuspicion::LearnName(const std::string& schema, const std::string& table, const std::string& column,
                              const proto::MaskRule& rule) {
  names_.try_emplace({SmallLetters(column), schema}, Masked{RulePattern(schema, table, column), rule});
}

std::optional<MaskSuspicion::Reason> MaskSuspicion::Of(const postgres::CatalogTable& table,
                                                       const postgres::CatalogColumn& column,
                                                       const MaskColumn& facts) const {
  if (names_.empty() || facts.generated) return std::nullopt;
  if (const MaskLineage::Columns* columns = lineage_.ColumnsOf(table.oid)) {
    const auto known = columns->find(column.number);
    if (known != columns->end()) {
      const auto masked = lineage_.tables().find(table.oid);
      if (!known->second.generated || masked == lineage_.tables().end() || masked->second.mask.columns().empty()) {
        return std::nullopt;
      }
      return Reason{"is no longer generated, and may have been computed from masked columns",
                    masked->second.mask.columns(0).rule()};
    }
  }
  if (std::optional<Reason> reason = ByTable(table, column, facts)) return reason;
  const std::string name = SmallLetters(column.name);
  auto same = names_.find({name, table.schema});
  if (same == names_.end()) same = names_.lower_bound({name, ""});  // The same name in any schema.
  if (same == names_.end() || same->first.first != name) return std::nullopt;
  return Reason{fmt::format("is new, and has the name of {}, {}", same->second.where, MaskedBy(same->second.rule)),
                same->second.rule};
}

// Learns what may replace masked columns, since a table with such replacements may have been copied, too.
void MaskSuspicion::LearnReplacements(const postgres::CatalogTable& table, const MaskLineage::Table& masked) {
  const MaskLineage::Columns* columns = lineage_.ColumnsOf(table.oid);
  if (columns == nullptr) return;
  for (const auto& [number, lost] : *columns) {
    if (HasColumn(table, number) || !(lost.generated || IsMasked(masked, number))) continue;
    for (const postgres::CatalogColumn& column : table.columns) {
      if (columns->count(column.number) == 0) {
        LearnName(table.schema, table.name, column.name, masked.mask.columns(0).rule());
      }
    }
  }
}

std::vector<uint32_t> MaskSuspicion::FormsOf(const postgres::CatalogTable& table) const {
  if (lineage_.ColumnsOf(table.oid) != nullptr) {
    return lineage_.tables().count(table.oid) == 0 ? std::vector<uint32_t>() : std::vector<uint32_t>{table.oid};
  }
  std::vector<uint32_t> forms;
  for (const auto& [oid, form] : lineage_.tables()) {
    if (lineage_.ColumnsOf(oid) == nullptr) continue;
    const bool has_its_name = form.schema == table.schema && form.name == table.name;
    if ((has_its_name && there_.count(oid) == 0) || IsLike(table, oid)) forms.push_back(oid);
  }
  return forms;
}

// True if the table has all columns of the other one that are not masked. If the other one still exists, it must also
// have as many columns in total, and share more than one name: an "id" alone tells nothing.
bool MaskSuspicion::IsLike(const postgres::CatalogTable& table, uint32_t form) const {
  const MaskLineage::Columns& columns = *lineage_.ColumnsOf(form);
  size_t shared = 0;
  for (const auto& [number, column] : columns) {
    if (column.generated || IsMasked(lineage_.tables().at(form), number)) continue;
    if (!HasColumn(table, column.name)) return false;
    ++shared;
  }
  return there_.count(form) == 0 || (shared > 1 && table.columns.size() == columns.size());
}

std::optional<MaskSuspicion::Reason> MaskSuspicion::ByTable(const postgres::CatalogTable& table,
                                                            const postgres::CatalogColumn& column,
                                                            const MaskColumn& facts) const {
  const bool is_new = lineage_.ColumnsOf(table.oid) == nullptr;
  for (uint32_t oid : FormsOf(table)) {
    const MaskLineage::Table& form = lineage_.tables().at(oid);
    const MaskLineage::Columns& columns = *lineage_.ColumnsOf(oid);
    if (is_new && HasColumn(columns, column.name)) continue;
    for (const proto::MaskedColumn& masked : form.mask.columns()) {
      const auto number = static_cast<int>(masked.number());
      const bool is_lost =
          is_new ? !HasColumn(table, masked.name()) : columns.count(number) != 0 && !HasColumn(table, number);
      if (!is_lost || !MayHold(facts.type, masked.type())) continue;
      const std::string where = RulePattern(form.schema, form.name, masked.name());
      return Reason{is_new
                        ? fmt::format("is new, and may be {}, {}", where, MaskedBy(masked.rule()))
                        : fmt::format("is new, and its table has lost {}, {}", masked.name(), MaskedBy(masked.rule())),
                    masked.rule()};
    }
    // Columns that were generated from masked ones are not masked themselves.
    for (const auto& [number, generated] : columns) {
      if (!generated.generated || form.mask.columns().empty()) continue;
      if (is_new ? HasColumn(table, generated.name) : HasColumn(table, number)) continue;
      return Reason{fmt::format("is new, and its table has lost {}, which may have been computed from masked columns",
                                generated.name),
                    form.mask.columns(0).rule()};
    }
  }
  return std::nullopt;
}

}  // namespace rotv::mask
