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
#include "sync/catalog.h"
#include "sync/mask/masker.h"

namespace rotv {

class MaskLineage {
 public:
  // kOther: the history is another database's, restored elsewhere perhaps. Its tables are known by their names only.
  enum class Database { kSame, kOther };

  MaskLineage() = default;  // There is no history.
  explicit MaskLineage(const proto::SchemaVersion& before, Database database = Database::kSame);

  // Nothing was masked, as far as is known.
  bool empty() const { return tables_.empty(); }

  // What masked this table, which is the same under another name; one that is new is known by its name. Null: nothing.
  const proto::TableMask* TableMaskOf(const CatalogTable& table) const;
  // The same of a column.
  const proto::MaskedColumn* MaskOf(const CatalogTable& table, const CatalogColumn& column) const;

  // The config had this rule, word for word, at the last pull: it says nothing of what has changed since.
  bool Had(const MaskRule& rule) const;

  // SecretId() of the secret that a table's masks were made with; empty if nothing is known of it.
  std::string SecretIdOf(const CatalogTable& table) const;

  // Why a column that MaskOf() does not know may hold what was masked elsewhere.
  struct Suspicion {
    std::string reason;   // Begins with the column's verb: "is new, and has the name of public.people.email".
    proto::MaskRule was;  // What masked the values that it may hold.
  };
  std::optional<Suspicion> Suspect(const CatalogTable& table, const CatalogColumn& column,
                                   const MaskColumn& facts) const;

  // What the next lineage must know beside the masks that `catalog` has now. `ended` are the columns (pg_class.oid,
  // attnum) that a person took out of their masks; a table's own rule is column 0.
  std::vector<proto::FormerMask> FormerAfter(const Catalog& catalog,
                                             const std::set<std::pair<uint32_t, int>>& ended) const;

 private:
  struct Table {
    std::string schema, name;
    proto::TableMask mask;
  };
  struct Known {
    std::string where;  // public.people.email
    proto::MaskRule rule;
  };
  // By attnum, those of a table that was there: whether they were generated.
  using Columns = std::map<int, bool>;

  void Add(uint32_t oid, Table table);
  const Columns* ColumnsOf(const CatalogTable& table) const;  // Null if it is new.
  const Table* Find(const CatalogTable& table) const;
  std::optional<Suspicion> SuspectByTable(const CatalogTable& table, const MaskColumn& facts) const;

  Database database_ = Database::kSame;
  std::map<uint32_t, Table> tables_;  // Those with masks, gone ones too, by oid.
  std::map<std::pair<std::string, std::string>, uint32_t> by_name_;
  std::map<uint32_t, Columns> columns_;                                // Of all tables that were there.
  std::map<std::pair<std::string, std::string>, Known> masked_names_;  // By column, in small letters, and schema.
  std::set<std::string> rules_;                                        // Serialized ConfigMaskRules.
};

// A rule that can mask such a column, as near to `was` as there is; kKeep if none can.
MaskRule RuleThatFits(const MaskRule& was, const MaskColumn& column, const MaskSecret& secret);

// Whether a rule lets a part of the values through as they are, or of the rows.
bool MasksInPart(MaskKind kind);

}  // namespace rotv
