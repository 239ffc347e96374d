// Looks on a server for slots and publications with names of our kind, whoever has made them.

#pragma once

#include <string>
#include <vector>

#include "sync/postgres/owned_objects.h"

namespace rotv::postgres {

// Something on the source that has a name of our kind.
struct FoundObject {
  enum class Whose {
    kRecorded,  // Of a source of this home: `source`.
    kOurs,      // This machine's and user's, by its name, and in no record of this home.
    kOthers,    // Of another machine or user.
  };
  Whose whose = Whose::kOthers;
  bool in_use = false;  // kRecorded: by the source's current store.
  std::string source;
  std::string what;   // As of a Leftover.
  std::string where;  // "database shop"
  std::string sql;
};

// kThisDatabase: slots of the whole server, and publications of the session's database. kEveryDatabase: publications of
// all databases that the role may connect to, too, of at most twenty.
enum class Scope { kThisDatabase, kEveryDatabase };
std::vector<FoundObject> FindObjects(SourceSession& session, Scope scope);

// Of these, what nobody needs any more: what no source's store uses, or a source's that is not among `configured`. What
// other machines and users have is none of it.
std::vector<Leftover> LeftoversAmong(const std::vector<FoundObject>& found, const std::vector<std::string>& configured);

}  // namespace rotv::postgres
