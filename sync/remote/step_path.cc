#include "sync/remote/step_path.h"

#include <algorithm>

namespace rotv::remote {
namespace {

// A publication that steps lead to, and how.
struct Reached {
  uint64_t number = 0;
  uint64_t cost = 0;
  const proto::RemoteStep* step = nullptr;  // The last one; null at the beginning.
  size_t before = 0;                        // The index of the one that the step was taken from.
};

// True if a step goes on from `place`: it has all that came after, and was made in the same history. A remote that was
// emptied counts its publications from 1 again, so that numbers alone do not say it.
bool GoesOnFrom(const proto::RemoteStep& step, const Place& place) {
  const Lsn from(step.from().durable_lsn());
  return step.from().number() == place.number ? from == place.durable_lsn
                                              : step.from().number() < place.number && from <= place.durable_lsn;
}

}  // namespace

uint64_t BytesOf(const proto::RemoteStep& step) {
  uint64_t bytes = 0;
  for (const proto::RemoteObject& object : step.objects()) bytes += object.bytes();
  return bytes;
}

uint64_t BytesOf(const Steps& steps) {
  uint64_t bytes = 0;
  for (const proto::RemoteStep* step : steps) bytes += BytesOf(*step);
  return bytes;
}

uint64_t CostOf(const proto::RemoteStep& step) {
  return BytesOf(step) + kRequestBytes * static_cast<uint64_t>(step.objects_size());
}

uint64_t CostOf(const Steps& steps) {
  uint64_t cost = 0;
  for (const proto::RemoteStep* step : steps) cost += CostOf(*step);
  return cost;
}

proto::RemoteMark MarkOf(const proto::RemoteHead& head) {
  proto::RemoteMark mark;
  mark.set_number(head.number());
  mark.set_durable_lsn(head.state().durable_lsn());
  mark.set_head_lsn(head.state().head_lsn());
  mark.set_greatest_shape(head.greatest_shape());
  mark.set_last_schema(head.last_schema());
  return mark;
}

// Steps are in the order of what they lead to. Of the publications that are reached only those are of use that cost
// less than all later ones: so `open` has both numbers and costs in ascending order, and the first one at or after a
// step's beginning is the best one to take it from.
std::optional<Steps> PathFrom(const proto::RemoteHead& head, const Place& place) {
  std::vector<Reached> reached = {{.number = place.number}};
  std::vector<size_t> open = {0};
  for (const proto::RemoteStep& step : head.changes()) {
    if (step.to().number() <= place.number) continue;
    auto from = std::lower_bound(open.begin(), open.end(), step.from().number(),
                                 [&](size_t index, uint64_t number) { return reached[index].number < number; });
    if (from != open.end() && *from == 0 && !GoesOnFrom(step, place)) ++from;
    if (from == open.end()) continue;
    const uint64_t cost = reached[*from].cost + std::max<uint64_t>(1, CostOf(step));
    reached.push_back({.number = step.to().number(), .cost = cost, .step = &step, .before = *from});
    while (reached[open.back()].cost >= cost) open.pop_back();
    if (reached[open.back()].number < step.to().number()) {
      open.push_back(reached.size() - 1);
    }
  }
  const Reached& end = reached[open.back()];
  if (end.number != head.number()) return std::nullopt;
  if (end.step == nullptr && place.durable_lsn != Lsn(head.state().durable_lsn())) return std::nullopt;
  Steps steps;
  for (size_t at = open.back(); reached[at].step != nullptr; at = reached[at].before) steps.push_back(reached[at].step);
  std::reverse(steps.begin(), steps.end());
  return steps;
}

std::set<std::pair<TableId, EpochNumber>> DamagedEpochs(const proto::Manifest& manifest) {
  std::set<std::pair<TableId, EpochNumber>> damaged;
  for (const proto::TableHistory& history : manifest.tables()) {
    for (const proto::Epoch& epoch : history.epochs()) {
      if (epoch.damaged()) damaged.emplace(history.table(), epoch.number());
    }
  }
  return damaged;
}

bool LacksRowsOf(const proto::Manifest& store, const proto::RemoteHead& head) {
  const auto here = DamagedEpochs(store), there = DamagedEpochs(head.state());
  return !std::includes(there.begin(), there.end(), here.begin(), here.end());
}

std::optional<Steps> PathFromStore(const proto::RemoteHead& head, const proto::Manifest& store) {
  // Where a repair, or damage, has changed what was published before, no step leads on.
  if (store.remote().generation() != head.generation() || store.repairs() != head.state().repairs() ||
      LacksRowsOf(store, head)) {
    return std::nullopt;
  }
  return PathFrom(head, {.number = store.remote().number(), .durable_lsn = Lsn(store.durable_lsn())});
}

std::optional<Steps> PathFromNothing(const proto::RemoteHead& head) {
  std::optional<Steps> steps =
      PathFrom(head, {.number = head.base().to().number(), .durable_lsn = Lsn(head.base().to().durable_lsn())});
  if (steps) steps->insert(steps->begin(), &head.base());
  return steps;
}

}  // namespace rotv::remote
