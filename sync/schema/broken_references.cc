#include "sync/schema/broken_references.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "storage/error.h"
#include "sync/schema/follow.h"

namespace rotv::schema {
namespace {

using postgres::CatalogColumn;
using postgres::CatalogReference;
using postgres::CatalogTable;

constexpr int kNotValidOnPartitioned = 180000;
constexpr size_t kMostReported = 10;

struct BrokenReference {
  const CatalogReference* reference;
  std::string text;  // "public.orders (u) references public.users, which is excluded: foreign key orders_u_fkey"
  bool of_partitioned_table;  // The foreign key is a partitioned table's.
};

class Search {
 public:
  Search(const postgres::Catalog& catalog, const SourceConfig& source) : catalog_(catalog), source_(source) {
    for (const CatalogTable& table : catalog.tables) {
      by_oid_[table.oid] = &table;
      if (table.partition_of != 0) partitions_.emplace(table.partition_of, &table);
    }
  }

  std::vector<BrokenReference> Run() const {
    std::vector<BrokenReference> broken;
    for (const CatalogReference& reference : catalog_.references) {
      // Other sessions' temporary tables, and tables that were created between two questions, are not in the catalogue.
      if (!reference.is_checked || by_oid_.count(reference.table) == 0) continue;
      if (std::optional<std::string> text = Problem(reference)) {
        broken.push_back(
            {.reference = &reference, .text = *text, .of_partitioned_table = by_oid_.at(reference.table)->kind == 'p'});
      }
    }
    return broken;
  }

 private:
  std::optional<std::string> Problem(const CatalogReference& reference) const {
    for (const CatalogTable* to : WithRows(reference.referenced_table)) {
      const std::string lacks = Lacks(*to);
      if (lacks.empty()) continue;
      for (const CatalogTable* from : WithRows(reference.table)) {
        // A table that keeps a part of its rows may reference one that it does not keep.
        if (HasNoRows(*from) || IsNull(reference, *from)) continue;
        return fmt::format("{} ({}) references {}, {}: foreign key {}", from->quoted_name, ColumnsOf(reference),
                           to->quoted_name, lacks, reference.name);
      }
    }
    return std::nullopt;
  }

  // The table itself, or the partitions that have its rows.
  std::vector<const CatalogTable*> WithRows(uint32_t oid) const {
    const auto table = by_oid_.find(oid);
    if (table == by_oid_.end()) return {};
    if (table->second->kind != 'p') return {table->second};
    std::vector<const CatalogTable*> all;
    const auto [begin, end] = partitions_.equal_range(oid);
    for (auto partition = begin; partition != end; ++partition) {
      const std::vector<const CatalogTable*> of_partition = WithRows(partition->second->oid);
      all.insert(all.end(), of_partition.begin(), of_partition.end());
    }
    return all;
  }

  bool HasNoRows(const CatalogTable& table) const { return Decide(table, source_).follow == proto::FOLLOW_SCHEMA_ONLY; }

  // What the seed does not have of the table's rows; empty if it has all of them.
  std::string Lacks(const CatalogTable& table) const {
    if (IsExcluded(source_, table.schema, table.name)) return "which is excluded";
    if (table.dropped) return "whose rows a masking rule drops";
    if (table.mask.sample_percent() > 0) return "of which a masking rule keeps a sample";
    if (!table.mask.conditions().empty()) return "of which a masking rule keeps the rows of a condition";
    return "";
  }

  CatalogColumn Column(const CatalogReference& reference, size_t at) const {
    const std::vector<CatalogColumn>& columns = by_oid_.at(reference.table)->columns;
    const auto column = std::find_if(columns.begin(), columns.end(), [&](const CatalogColumn& candidate) {
      return candidate.number == reference.column_numbers[at];
    });
    return column == columns.end() ? CatalogColumn() : *column;
  }

  std::string ColumnsOf(const CatalogReference& reference) const {
    std::string names;
    for (size_t i = 0; i < reference.column_numbers.size(); ++i) {
      names += (i == 0 ? "" : ", ") + Column(reference, i).quoted_name;
    }
    return names;
  }

  // True if every row references nothing: with MATCH FULL that takes a NULL in all columns, else in one of them. A
  // partition has the columns by the same names, but not by the same numbers.
  bool IsNull(const CatalogReference& reference, const CatalogTable& table) const {
    size_t masked = 0;
    for (size_t i = 0; i < reference.column_numbers.size(); ++i) {
      const std::string name = Column(reference, i).name;
      masked += std::any_of(table.mask.columns().begin(), table.mask.columns().end(), [&](const auto& column) {
        return column.name() == name && column.rule().name() == "null";
      });
    }
    return reference.match_full ? masked == reference.column_numbers.size() : masked > 0;
  }

  const postgres::Catalog& catalog_;
  const SourceConfig& source_;
  std::map<uint32_t, const CatalogTable*> by_oid_;
  std::multimap<uint32_t, const CatalogTable*> partitions_;
};

}  // namespace

void SettleReferences(const SourceConfig& source, int server_version, postgres::Catalog* catalog) {
  std::vector<std::string> refused;
  catalog->not_valid.clear();
  for (const BrokenReference& broken : Search(*catalog, source).Run()) {
    const bool possible = !broken.of_partitioned_table || server_version >= kNotValidOnPartitioned;
    if (source.missing_references == MissingReferences::kNotValid && possible) {
      catalog->not_valid.push_back(*broken.reference);
    } else if (source.missing_references == MissingReferences::kNotValid) {
      refused.push_back(broken.text + ", which cannot be NOT VALID, since its table is partitioned");
    } else {
      refused.push_back(broken.text);
    }
  }
  if (refused.empty()) return;
  std::string all;
  for (size_t i = 0; i < refused.size() && i < kMostReported; ++i) all += (i == 0 ? "" : "; ") + refused[i];
  if (refused.size() > kMostReported) all += fmt::format("; and {} more", refused.size() - kMostReported);
  throw Error(
      ErrorCode::kUsage, "a seed could not be imported: " + all,
      fmt::format("keep the referenced rows, leave out the rows that reference them, too (exclude, or \"drop\" in "
                  "[mask]), mask a referencing column by \"null\", or have the foreign keys NOT VALID: "
                  "missing_references = \"not_valid\" in [sources.{}] (docs/configuration.md)",
                  source.name));
}

std::string NotValidText(const postgres::Catalog& catalog) {
  std::string text;
  for (const CatalogReference& reference : catalog.not_valid) {
    const auto table = std::find_if(catalog.tables.begin(), catalog.tables.end(),
                                    [&](const CatalogTable& candidate) { return candidate.oid == reference.table; });
    if (!text.empty()) text += ", ";
    text += fmt::format("{} of {}", reference.name, table->quoted_name);
  }
  return text;
}

bool ReferencesAreSettled(const proto::SchemaVersion& schema, const SourceConfig& source) {
  return schema.not_valid().empty() || source.missing_references == MissingReferences::kNotValid;
}

}  // namespace rotv::schema
