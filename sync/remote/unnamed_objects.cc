#include "sync/remote/unnamed_objects.h"

#include <utility>
#include <vector>

#include "sync/remote/object_hash.h"
#include "sync/remote/segment_object.h"

namespace rotv::remote {
namespace {

constexpr int64_t kHourS = 3600;
constexpr int64_t kRemovedAfterS = 24 * kHourS;
// An hour for whoever removes, and one for the clocks.
constexpr int64_t kNamedBeforeS = 22 * kHourS;
constexpr std::chrono::hours kLongestRemoval{1};

// Looking once more costs as many lists as the publication itself: so it is for many at once, or for what has waited.
constexpr uint64_t kManyObjects = 100;
constexpr int64_t kWaitsAtMostS = 48 * kHourS;

bool IsToBeRemoved(const std::string& name, int64_t age_s, const std::set<std::string>& named) {
  return age_s >= kRemovedAfterS && named.count(name) == 0 && IsOurs(name);
}

}  // namespace

std::set<std::string> NamesIn(const proto::RemoteHead& head) {
  std::set<std::string> names;
  const auto add = [&](const proto::RemoteStep& step) {
    for (const proto::RemoteObject& object : step.objects()) names.insert(NameOf(object));
  };
  add(head.base());
  for (const proto::RemoteStep& step : head.changes()) add(step);
  for (const proto::RemoteStep& step : head.retired()) add(step);
  return names;
}

ListedObjects::ListedObjects(RemotePlace& place, const std::optional<proto::RemoteHead>& former)
    : place_(place), named_(former ? NamesIn(*former) : std::set<std::string>()), listed_(Clock::now()) {
  for (RemotePlace::Listed& object : place_.ListObjects()) {
    objects_.emplace(std::move(object.name), Found{.bytes = object.bytes, .age_s = object.age_s});
  }
}

bool ListedObjects::Has(const proto::RemoteObject& object) const {
  const auto found = objects_.find(NameOf(object));
  return found != objects_.end() && found->second.bytes == object.bytes();
}

bool ListedObjects::MayBeNamed(const proto::RemoteObject& object) const {
  const std::string name = NameOf(object);
  const auto found = objects_.find(name);
  if (found == objects_.end() || named_.count(name) > 0) return true;
  const auto since = std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - listed_);
  return found->second.age_s + since.count() < kNamedBeforeS;
}

bool ListedObjects::HasMuchToRemove(const std::set<std::string>& named) const {
  uint64_t count = 0;
  for (const auto& [name, found] : objects_) {
    if (!IsToBeRemoved(name, found.age_s, named)) continue;
    if (++count >= kManyObjects || found.age_s >= kWaitsAtMostS) return true;
  }
  return false;
}

uint64_t ListedObjects::RemoveUnnamed(const std::string& stored, const proto::RemoteHead& head) {
  const std::set<std::string> named = NamesIn(head);
  if (!HasMuchToRemove(named)) return 0;
  objects_.clear();  // There may be a million, and here come all of them again.
  // The list is from before all of the publication: others may have taken up some of it meanwhile, and have published.
  const Clock::time_point start = Clock::now();
  std::vector<std::string> names;
  for (RemotePlace::Listed& object : place_.ListObjects()) {
    if (IsToBeRemoved(object.name, object.age_s, named)) names.push_back(std::move(object.name));
  }
  if (place_.ReadHead() != stored) return 0;
  uint64_t removed = 0;
  for (const std::string& name : names) {
    if (Clock::now() - start > kLongestRemoval) break;
    if (place_.RemoveObject(name)) ++removed;
  }
  return removed;
}

}  // namespace rotv::remote
