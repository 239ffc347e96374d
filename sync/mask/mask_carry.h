// Decides, while a plan is made, between the masks of the store and the rules of the config. Pure.

#pragma once

#include <deque>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "sync/mask/mask_facts.h"
#include "sync/mask/mask_lineage.h"
#include "sync/mask/mask_suspicion.h"
#include "sync/postgres/catalog.h"

namespace rotv::mask {

class MaskCarry {
 public:
  // All of these must outlive the object.
  MaskCarry(const MaskLineage& lineage, const MaskSecret& secret, const postgres::Catalog& catalog);

  // Returns the rule in force for a column for which the config has the rule `named` (null: none): that rule, or the
  // one that the column was masked by, which lives as long as this object.
  const MaskRule* RuleFor(const MaskFacts::Table& facts, const postgres::CatalogTable& table,
                          const postgres::CatalogColumn& column, const MaskRule* named);

  // Returns the mask that leaves out rows of a table, if it takes precedence over `named`; else null.
  const proto::TableMask* RowsFor(const MaskFacts::Table& facts, const postgres::CatalogTable& table,
                                  const MaskRule* named);

  // Returns why a column without a rule may hold values that were masked elsewhere, and the line to add to the config;
  // empty if nothing suggests so.
  std::string Doubt(const postgres::CatalogTable& table, const postgres::CatalogColumn& column,
                    const MaskColumn& facts) const;

  // Returns what is wrong with a mask that is carried on, and the line to add. `why` is MakeMasker()'s message.
  std::string Misfit(const postgres::CatalogTable& table, const postgres::CatalogColumn& column,
                     const MaskColumn& facts, const MaskRule& rule, const std::string& why) const;

  // Is not empty if masks are carried on that were made with another secret.
  std::string SecretProblem() const;

  // Returns the record of the finished plan.
  proto::MaskRecord Record(const MaskConfig& config) const;

 private:
  bool Ends(const MaskRule& keep, const MaskFacts::Table& facts, const postgres::CatalogColumn* column) const;
  bool Replaces(const MaskRule& named, const std::string& before_rule) const;
  std::vector<const postgres::CatalogTable*> WithAncestors(const MaskFacts::Table& facts,
                                                           const postgres::CatalogTable& table) const;
  const proto::MaskedColumn* MaskOf(const postgres::CatalogTable& table, const postgres::CatalogColumn& column) const;
  void Carry(const postgres::CatalogTable& from, const std::string& what, const std::string& rule);
  std::string LineToAdd(const postgres::CatalogTable& table, const postgres::CatalogColumn& column,
                        const MaskColumn& facts, const MaskRule& was) const;

  const MaskLineage& lineage_;
  const MaskSecret& secret_;
  const postgres::Catalog& catalog_;
  std::map<std::pair<std::string, std::string>, const postgres::CatalogTable*> by_name_;
  const MaskSuspicion suspicion_;
  std::deque<MaskRule> rules_;  // Rules that are carried on.
  std::vector<proto::CarriedMask> carried_;
  std::set<std::pair<uint32_t, int>> ended_;
  size_t of_another_secret_ = 0;
};

}  // namespace rotv::mask
