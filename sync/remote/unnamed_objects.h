// Objects that no head names: a killed publisher has left them, or nobody needs them any more.
//
// An object has the name of its content, so a publication may come to want one that another is about to remove. Time
// keeps them apart: what nothing names is used until it is almost a day old, and removed after a day or two.

#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "proto/remote.pb.h"
#include "sync/remote/remote_place.h"

namespace rotv::remote {

// The names of all objects that a head names, of those too that stay for a time of grace.
std::set<std::string> NamesIn(const proto::RemoteHead& head);

// The objects that were at a place when this was made, and what a publication may do with them.
class ListedObjects {
 public:
  // `former` is the head that the place has.
  ListedObjects(RemotePlace& place, const std::optional<proto::RemoteHead>& former);

  // True if it was there, with its size.
  bool Has(const proto::RemoteObject& object) const;
  // False if nothing names it, and it may be removed by another publication while this one would come to name it: then
  // its content needs another name.
  bool MayBeNamed(const proto::RemoteObject& object) const;

  // The last call: removes what `head` does not name, if it is old enough, and returns how many objects that were. What
  // is only a little waits a day more, for others to be removed with it. Nothing is removed if the place has another
  // head than `stored`, which is `head` as it is stored: then it is for a later publication.
  uint64_t RemoveUnnamed(const std::string& stored, const proto::RemoteHead& head);

 private:
  using Clock = std::chrono::steady_clock;
  struct Found {
    uint64_t bytes = 0;
    int64_t age_s = 0;
  };

  bool HasMuchToRemove(const std::set<std::string>& named) const;

  RemotePlace& place_;
  const std::set<std::string> named_;
  const Clock::time_point listed_;
  std::map<std::string, Found> objects_;
};

}  // namespace rotv::remote
