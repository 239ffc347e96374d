// Lists what our role on the source lacks, and the statements that grant just that.

#pragma once

#include <set>
#include <string>
#include <vector>

#include "sync/postgres/catalog.h"
#include "sync/schema/follow.h"

namespace rotv::capture {

// Each statement leaves the role an ordinary one: it becomes a member only of owners that are no superusers and cannot
// become any, and may read only what is dumped (pg_read_all_data would let it read password hashes). Pure.
class Privileges {
 public:
  struct Missing {
    std::string name;     // "ownership"
    std::string message;  // "only its owner may publish a table: public.t"
    std::string sql;      // Statements, one for each line.
  };

  void Add(const postgres::CatalogTable& table, const schema::FollowDecision& decision);
  void Add(const postgres::CatalogSequence& sequence);
  void AddLargeObjects() { large_objects_ = true; }

  // Returns what is missing to the role of `catalog`, with statements that fit the service that the server belongs to.
  std::vector<Missing> Listed(const postgres::Catalog& catalog) const;

 private:
  std::string OwnershipSql(const postgres::Catalog& catalog) const;
  std::string RowSecuritySql(const postgres::Catalog& catalog) const;
  std::string ReadingSql(const std::string& user) const;

  std::vector<std::string> foreign_, superuser_owned_;        // Tables of other owners, and those of them whose owners
                                                              // are or can become superusers.
  std::vector<std::string> unreadable_, tables_, sequences_;  // All of them, and the same by kind.
  std::vector<std::string> secured_;
  std::set<std::string> owners_, secured_owners_, closed_;
  bool large_objects_ = false;
};

}  // namespace rotv::capture
