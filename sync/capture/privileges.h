// What our role on the source lacks, and the statements that grant just that.

#pragma once

#include <set>
#include <string>
#include <vector>

#include "sync/postgres/catalog.h"
#include "sync/schema/follow.h"

namespace rotv::capture {

// Each statement leaves the role an ordinary one: it is made a member of owners only who are no superusers and cannot
// become any, and may read what is dumped, not all that there is (pg_read_all_data reads password hashes). Pure.
class Privileges {
 public:
  struct Missing {
    std::string name;     // "ownership"
    std::string message;  // "only its owner may publish a table: public.t"
    std::string sql;      // Statements, a line each.
  };

  void Add(const postgres::CatalogTable& table, const schema::FollowDecision& decision);
  void Add(const postgres::CatalogSequence& sequence);
  void AddLargeObjects() { large_objects_ = true; }

  // `user` is the role, quoted.
  std::vector<Missing> Listed(const std::string& user) const;

 private:
  std::string OwnershipSql(const std::string& user) const;
  std::string ReadingSql(const std::string& user) const;

  std::vector<std::string> foreign_, superuser_owned_;        // Tables of others; of these those of mighty owners.
  std::vector<std::string> unreadable_, tables_, sequences_;  // All of them, and by their kinds.
  std::vector<std::string> secured_;
  std::set<std::string> owners_, closed_;
  bool large_objects_ = false;
};

}  // namespace rotv::capture
