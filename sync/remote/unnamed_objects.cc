#include "sync/remote/unnamed_objects.h"

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

std::vector<std::string> OldUnnamed(const std::vector<RemotePlace::Listed>& objects,
                                    const std::set<std::string>& named) {
  std::vector<std::string> names;
  for (const RemotePlace::Listed& object : objects) {
    if (object.age_s < kRemovedAfterS || named.count(object.name) > 0 || !IsOurs(object.name)) continue;
    names.push_back(object.name);
  }
  return names;
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
    std::string name = object.name;
    objects_.emplace(std::move(name), std::move(object));
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

uint64_t ListedObjects::RemoveUnnamed(const std::string& stored, const proto::RemoteHead& head) {
  const std::set<std::string> named = NamesIn(head);
  std::vector<RemotePlace::Listed> listed;
  for (const auto& [name, object] : objects_) listed.push_back(object);
  if (OldUnnamed(listed, named).empty()) return 0;
  // The list is from before all of the publication: others may have taken up some of it meanwhile, and have published.
  const Clock::time_point start = Clock::now();
  listed = place_.ListObjects();
  if (place_.ReadHead() != stored) return 0;
  uint64_t removed = 0;
  for (const std::string& name : OldUnnamed(listed, named)) {
    if (Clock::now() - start > kLongestRemoval) break;
    place_.RemoveObject(name);
    ++removed;
  }
  return removed;
}

}  // namespace rotv::remote
