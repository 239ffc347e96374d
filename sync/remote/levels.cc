#include "sync/remote/levels.h"

#include <algorithm>
#include <optional>

#include "sync/remote/step_path.h"

namespace rotv::remote {
namespace {

constexpr uint64_t kFanIn = 4;
constexpr uint64_t kKeptOfLevel = 16;
constexpr uint64_t kLongestStepBytes = uint64_t{32} << 20;
constexpr uint64_t kSmallestNewBase = uint64_t{256} << 10;  // Before that a base is not worth its requests.
constexpr double kMuchMore = 1.5;

uint64_t SpanOf(const proto::RemoteStep& step) { return step.to().number() - step.from().number(); }

bool IsBefore(const proto::RemoteStep& a, const proto::RemoteStep& b) {
  return a.to().number() != b.to().number() ? a.to().number() < b.to().number() : a.from().number() > b.from().number();
}

// The mark of a publication that steps lead from; nullptr if there is none.
const proto::RemoteMark* FindMark(const proto::RemoteHead& head, uint64_t number) {
  for (const proto::RemoteStep& step : head.changes()) {
    if (step.from().number() == number) return &step.from();
  }
  return nullptr;
}

}  // namespace

std::vector<proto::RemoteMark> LongerSteps(const proto::RemoteHead& head) {
  std::vector<proto::RemoteMark> marks;
  const uint64_t base = head.base().to().number();
  const uint64_t after = head.number() - base;
  for (uint64_t span = kFanIn; after > 0 && after % span == 0; span *= kFanIn) {
    const proto::RemoteMark* mark = FindMark(head, head.number() - span);
    if (mark == nullptr) break;
    const std::optional<Steps> steps =
        PathFrom(head, {.number = mark->number(), .durable_lsn = Lsn(mark->durable_lsn())});
    if (!steps || BytesOf(*steps) > kLongestStepBytes) break;
    marks.push_back(*mark);
  }
  return marks;
}

void AddStep(proto::RemoteStep step, proto::RemoteHead* head) {
  auto* steps = head->mutable_changes();
  *steps->Add() = std::move(step);
  for (int at = steps->size() - 1; at > 0 && IsBefore(steps->Get(at), steps->Get(at - 1)); --at) {
    steps->SwapElements(at, at - 1);
  }
}

std::vector<proto::RemoteStep> TakeOutCovered(proto::RemoteHead* head) {
  std::vector<proto::RemoteStep> taken;
  proto::RemoteHead kept;
  for (proto::RemoteStep& step : *head->mutable_changes()) {
    const uint64_t span = SpanOf(step);
    const bool is_covered = std::any_of(head->changes().begin(), head->changes().end(), [&](const auto& other) {
      return SpanOf(other) == span * kFanIn && other.from().number() <= step.from().number() &&
             other.to().number() >= step.to().number();
    });
    const bool is_old = step.to().number() + kKeptOfLevel * span <= head->number();
    if (is_covered && is_old) {
      taken.push_back(step);
    } else {
      *kept.add_changes() = step;
    }
  }
  head->mutable_changes()->Swap(kept.mutable_changes());
  return taken;
}

bool IsTimeForBase(const proto::RemoteHead& head, std::optional<uint64_t> living) {
  const std::optional<Steps> steps = PathFromNothing(head);
  if (!steps) return true;
  uint64_t published = 0;
  for (const proto::RemoteStep* step : *steps) published += step->versions();
  const double part =
      !living || published == 0 ? 1 : std::min(1.0, static_cast<double>(*living) / static_cast<double>(published));
  // Small steps that could not be joined cost requests. Eight megabytes of rows make an object of about this size.
  constexpr double kUsualObject = 1 << 20;
  const double bytes_anew = part * static_cast<double>(BytesOf(*steps));
  const double cost_anew = bytes_anew + kRequestBytes * (1 + bytes_anew / kUsualObject);
  return static_cast<double>(CostOf(*steps)) > kMuchMore * cost_anew + kSmallestNewBase;
}

}  // namespace rotv::remote
