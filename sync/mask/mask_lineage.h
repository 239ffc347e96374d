// The masks that the rows of a store came under. They stay in force until a person ends them: a migration on the
// source, or a rule that is lost from the config, must not bring real values here. Pure.

#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "proto/store.pb.h"
#include "sync/mask/masker.h"
#include "sync/postgres/catalog.h"

namespace rotv::mask {

class MaskLineage {
 public:
  // kOther: the history is another database's, restored elsewhere perhaps. Its tables are known by their names only.
  enum class Database { kSame, kOther };

  MaskLineage() = default;  // There is no history.
  explicit MaskLineage(const proto::SchemaVersion& before, Database database = Database::kSame);

  // Nothing was masked, as far as is known.
  bool empty() const { return tables_.empty(); }

  // What masked this table, which is the same under another name; one that is new is known by its name. Null: nothing.
  const proto::TableMask* TableMaskOf(const postgres::CatalogTable& table) const;
  // The same of a column.
  const proto::MaskedColumn* MaskOf(const postgres::CatalogTable& table, const postgres::CatalogColumn& column) const;

  // The config had this rule, word for word, at the last pull: it says nothing of what has changed since.
  bool Had(const MaskRule& rule) const;

  // SecretId() of the secret that a table's masks were made with; empty if nothing is known of it.
  std::string SecretIdOf(const postgres::CatalogTable& table) const;

  // What the next lineage must know beside the masks that `catalog` has now. `ended` are the columns (pg_class.oid,
  // attnum) that a person took out of their masks; a table's own rule is column 0.
  std::vector<proto::FormerMask> FormerAfter(const postgres::Catalog& catalog,
                                             const std::set<std::pair<uint32_t, int>>& ended) const;

  // A table with masks, as it was called last.
  struct Table {
    std::string schema, name;
    proto::TableMask mask;
  };
  // All of them by oid, also those that are gone.
  const std::map<uint32_t, Table>& tables() const { return tables_; }

  struct Column {
    std::string name;  // Empty in stores of former versions.
    bool generated = false;
  };
  using Columns = std::map<int, Column>;  // By attnum.
  // Of a table that was there at the last pull, masked or not; null if it is new, or nothing is known by oids.
  const Columns* ColumnsOf(uint32_t table) const;

  Database database() const { return database_; }

 private:
  void Add(uint32_t oid, Table table);
  const Table* Find(const postgres::CatalogTable& table) const;

  Database database_ = Database::kSame;
  std::map<uint32_t, Table> tables_;  // Those with masks, gone ones too, by oid.
  std::map<std::pair<std::string, std::string>, uint32_t> by_name_;
  std::map<uint32_t, Columns> columns_;  // Of all tables that were there.
  std::set<std::string> rules_;          // Serialized ConfigMaskRules.
};

// A rule that can mask such a column, as near to `was` as there is; kKeep if none can.
MaskRule RuleThatFits(const MaskRule& was, const MaskColumn& column, const MaskSecret& secret);

// Whether a rule lets a part of the values through as they are, or of the rows.
bool MasksInPart(MaskKind kind);

}  // namespace rotv::mask
