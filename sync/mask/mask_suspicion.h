// Finds new columns that may hold what is masked elsewhere. Pure.

#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "sync/mask/mask_lineage.h"
#include "sync/postgres/catalog.h"

namespace rotv::mask {

class MaskSuspicion {
 public:
  // Both must outlive the object.
  MaskSuspicion(const MaskLineage& lineage, const postgres::Catalog& catalog);

  struct Reason {
    std::string text;     // Begins with the verb after the column's name: "is new, and has the name of
                          // public.people.email, …".
    proto::MaskRule was;  // The rule that masked the values that it may hold.
  };
  // Judges a column that has neither a rule nor a mask of the lineage. It is suspicious if it was not there at the last
  // pull, or was generated then, and
  // - has the name of a column that was masked, or that was generated from masked ones, in any table;
  // - or its table has lost a masked column, or resembles a table with masks except for a masked column: one that was
  //   dropped, or one that has as many columns.
  std::optional<Reason> Of(const postgres::CatalogTable& table, const postgres::CatalogColumn& column,
                           const MaskColumn& facts) const;

 private:
  struct Masked {
    std::string where;  // public.people.email
    proto::MaskRule rule;
  };
  void LearnNames(const postgres::Catalog& catalog);
  void LearnName(const std::string& schema, const std::string& table, const std::string& column,
                 const proto::MaskRule& rule);
  void LearnReplacements(const postgres::CatalogTable& table, const MaskLineage::Table& masked);
  // Returns the table with masks that this one was at the last pull; for a new one, those that it may be, or be a copy
  // of.
  std::vector<uint32_t> FormsOf(const postgres::CatalogTable& table) const;
  bool IsLike(const postgres::CatalogTable& table, uint32_t form) const;
  std::optional<Reason> ByTable(const postgres::CatalogTable& table, const postgres::CatalogColumn& column,
                                const MaskColumn& facts) const;

  const MaskLineage& lineage_;
  std::map<std::pair<std::string, std::string>, Masked> names_;  // By column, in lower case, and schema.
  std::set<uint32_t> there_;                                     // Tables that exist now.
};

}  // namespace rotv::mask
