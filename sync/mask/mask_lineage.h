// Knows the masks under which the rows of a store were stored. They stay in force until a person ends them: a migration
// on the source, or a rule that is lost from the config, must not bring real values into the store. Pure.

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
  // kOther: the history is of another database, perhaps one that was restored elsewhere. Its tables are known only by
  // their names.
  enum class Database { kSame, kOther };

  MaskLineage() = default;  // Without a history.
  explicit MaskLineage(const proto::SchemaVersion& before, Database database = Database::kSame);

  // True if nothing was masked, as far as is known.
  bool empty() const { return tables_.empty(); }

  // Returns the rule that decides which rows of this table are kept. The table is recognised under another name as
  // well; a new table is known by its name. Null: there is none.
  const proto::TableMask* TableMaskOf(const postgres::CatalogTable& table) const;
  // Returns the mask of a column, found in the same way.
  const proto::MaskedColumn* MaskOf(const postgres::CatalogTable& table, const postgres::CatalogColumn& column) const;

  // True if the config had this rule, word for word, at the last pull: then it says nothing about what has changed
  // since.
  bool Had(const MaskRule& rule) const;

  // Returns the SecretId() of the secret that a table's masks were made with; empty if it is not known.
  std::string SecretIdOf(const postgres::CatalogTable& table) const;

  // Returns what the next lineage must know in addition to the masks that `catalog` has now. `ended` are the columns
  // (pg_class.oid, attnum) whose masks a person has ended; a table's own rule is column 0.
  std::vector<proto::FormerMask> FormerAfter(const postgres::Catalog& catalog,
                                             const std::set<std::pair<uint32_t, int>>& ended) const;

  // A table with masks, under its last name.
  struct Table {
    std::string schema, name;
    proto::TableMask mask;
  };
  // All tables with masks by oid, including those that were dropped.
  const std::map<uint32_t, Table>& tables() const { return tables_; }

  struct Column {
    std::string name;  // Empty in stores of former versions.
    bool generated = false;
  };
  using Columns = std::map<int, Column>;  // By attnum.
  // Returns the columns of a table that existed at the last pull, masked or not; null if it is new, or if oids tell
  // nothing (kOther).
  const Columns* ColumnsOf(uint32_t table) const;

  Database database() const { return database_; }

 private:
  void Add(uint32_t oid, Table table);
  const Table* Find(const postgres::CatalogTable& table) const;

  Database database_ = Database::kSame;
  std::map<uint32_t, Table> tables_;  // Tables with masks by oid, including dropped ones.
  std::map<std::pair<std::string, std::string>, uint32_t> by_name_;
  std::map<uint32_t, Columns> columns_;  // Columns of all tables that existed.
  std::set<std::string> rules_;          // Serialized ConfigMaskRules.
};

// Returns a rule that can mask such a column, as close to `was` as possible; kKeep if there is none.
MaskRule RuleThatFits(const MaskRule& was, const MaskColumn& column, const MaskSecret& secret);

// True if a rule of this kind lets a part of the values, or of the rows, through unchanged.
bool MasksInPart(MaskKind kind);

}  // namespace rotv::mask
