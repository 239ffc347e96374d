// Finds the slots and publications on a server that have names of our kind, no matter which program run made them.

#pragma once

#include <string>
#include <vector>

#include "sync/postgres/owned_objects.h"

namespace rotv::postgres {

// A slot or publication on the source that has a name of our kind.
struct FoundObject {
  enum class Whose {
    kRecorded,  // A source of this home has recorded it: `source`.
    kOurs,      // By its name this machine and user made it, but no source of this home has recorded it.
    kOthers,    // Another machine or user made it.
  };
  Whose whose = Whose::kOthers;
  bool in_use = false;  // kRecorded: the source's current store uses it.
  std::string source;
  std::string what;   // See Leftover.
  std::string where;  // "database shop"
  std::string sql;
};

// kThisDatabase covers the slots of the whole server and the publications of the session's database. kEveryDatabase
// also covers the publications of the other databases that the role may connect to, at most twenty.
enum class Scope { kThisDatabase, kEveryDatabase };
std::vector<FoundObject> FindObjects(SourceSession& session, Scope scope);

// Selects the objects that are not needed any more: those that no source's store uses, and those of a source that is
// not among `configured`. Objects of other machines and users are never selected.
std::vector<Leftover> LeftoversAmong(const std::vector<FoundObject>& found, const std::vector<std::string>& configured);

}  // namespace rotv::postgres
