#include "tests/storage/store_walk.h"

#include <algorithm>

#include "tests/storage/store_check.h"
#include "tests/storage/store_walk_values.h"

namespace rotv::testing {
namespace {

struct Weighted {
  uint32_t what;
  uint32_t weight;
};
// Out of 10,000.
constexpr Weighted kWeights[] = {
    {Step::kChange, 8500}, {Step::kTruncate, 30}, {Step::kCommit, 1000},  {Step::kSpill, 100},   {Step::kPublish, 130},
    {Step::kEndPull, 50},  {Step::kResync, 12},   {Step::kEndResync, 24}, {Step::kSnapshot, 40}, {Step::kGc, 12},
    {Step::kCompact, 12},  {Step::kBulk, 1},      {Step::kCheck, 73},     {Step::kReopen, 6},    {Step::kCrash, 10},
};

}  // namespace

Step RandomStep(uint64_t seed, uint64_t number) {
  const uint64_t first = Mixed(Mixed(seed) ^ number);
  const uint64_t second = Mixed(first);
  Step step{.a = static_cast<uint32_t>(second),
            .b = static_cast<uint32_t>(second >> 32),
            .c = static_cast<uint32_t>(Mixed(second))};
  uint32_t draw = static_cast<uint32_t>(first >> 32) % 10'000;
  for (const auto& [what, weight] : kWeights) {
    step.what = what;
    if (draw < weight) break;
    draw -= weight;
  }
  return step;
}

StoreWalk::StoreWalk(std::filesystem::path directory, With with) : directory_(std::move(directory)) {
  if (with == With::kStore) store_ = RowStore::Open(directory_, RowStore::Mode::kCreate);
  TakeBaseline();
}

void StoreWalk::Do(const Step& step) {
  published_.erase(published_.begin(), published_.end() - 1);
  before_collection_.reset();
  switch (step.what) {
    case Step::kChange:
      return Change(step);
    case Step::kTruncate:
      return Truncate(step);
    case Step::kCommit:
      return Commit();
    case Step::kSpill:
      if (step.a % 2 == 0) Commit();
      return Flush();
    case Step::kPublish:
      return PublishProgress(step);
    case Step::kEndPull:
      return EndPull();
    case Step::kResync:
      return BeginResync(step);
    case Step::kEndResync:
      return EndResync();
    case Step::kSnapshot:
      return ChangeSnapshots(step);
    case Step::kGc:
      return CollectGarbage(step);
    case Step::kCompact:
      if (store_ != nullptr) store_->Compact();
      return;
    case Step::kBulk:
      return Bulk(step);
    case Step::kCheck:
      if (store_ != nullptr) StoreCheck(*store_, model_).Some(step.a);
      return;
    default:
      return Crash(step);
  }
}

void StoreWalk::Publish(const RowStore::Addition& addition) {
  if (store_ != nullptr) store_->Publish(model_.now.state, addition);
  published_.push_back(model_.now);
}

// --- Crashes

void StoreWalk::Forget() {
  model_.RevertTo(published_.back());
  model_.now.state.AbandonPull();
  model_.now.pulling = false;
  published_.push_back(model_.now);
  resync_.reset();
  buffer_ = std::make_unique<VersionBuffer>(VersionBuffer::Index::kNewest);
  log_ = ChangeLogBuilder();
  in_transaction_ = spilled_ = false;
  // The source sends again what was not acknowledged: other transactions may get the LSNs of those that were lost.
  next_lsn_ = model_.now.durable;
}

void StoreWalk::Crash(const Step& step) {
  if (step.what == Step::kReopen) Settle(step);
  if (step.c % 4 == 1) Commit();
  if (step.c % 4 < 3) Flush();  // Mostly something was written that nothing has published.
  if (store_ == nullptr) return Forget();
  if (step.what == Step::kCrash && step.a % 2 == 0 && may_copy_) {
    // A copy of all files at one moment, when nothing writes, is what a kill at that moment leaves.
    const std::filesystem::path other = directory_.string() + (step.a % 4 == 0 ? "x" : "y");
    std::filesystem::copy(directory_, other, std::filesystem::copy_options::recursive);
    store_.reset();
    std::filesystem::remove_all(directory_);
    std::filesystem::rename(other, directory_);
  }
  store_.reset();
  Forget();
  if (step.b % 4 == 0) {  // Reading alone changes nothing, and does not see what was not published either.
    store_ = RowStore::Open(directory_, RowStore::Mode::kReadOnly);
    StoreCheck(*store_, model_).Some(step.c);
    store_.reset();
  }
  Open();
  StoreCheck(*store_, model_).Some(step.c + 1);
}

void StoreWalk::Open() {
  store_ = RowStore::Open(directory_, RowStore::Mode::kReadWrite);
  CompareManifest();
  StoreCheck(*store_, model_).NothingUnpublished();
}

void StoreWalk::OpenToBeKilled() {
  may_copy_ = false;  // Half a copy would be no store.
  Open();
}

void StoreWalk::CompareManifest() const {
  const std::string expected = ContentOf(model_.now.state.manifest());
  if (ContentOf(store_->manifest()) != expected) throw Mismatch("the store has another manifest than was published");
}

size_t StoreWalk::RevertToStore() {
  const std::unique_ptr<RowStore> store = RowStore::Open(directory_, RowStore::Mode::kReadOnly);
  const std::string found = ContentOf(store->manifest());
  // Shapes are published before what uses them, with a manifest that says nothing of them.
  const uint32_t shape = store->shapes().greatest_id();
  const auto is_found = [&](const ModelState& one) {
    return one.shapes.rbegin()->first == shape && ContentOf(one.state.manifest()) == found;
  };
  size_t back = 0;
  while (!is_found(published_[published_.size() - 1 - back])) {
    if (++back == published_.size()) throw Mismatch("the store has none of the states that were published last");
  }
  RevertBy(back);
  return back;
}

void StoreWalk::RevertBy(size_t back) {
  published_.resize(published_.size() - back);
  // The end of a pull, in the same step, may have been published before.
  if (before_collection_ && published_.size() <= published_before_collection_) model_ = std::move(*before_collection_);
  Forget();
}

void StoreWalk::CheckStore() const {
  const std::unique_ptr<RowStore> store = RowStore::Open(directory_, RowStore::Mode::kReadOnly);
  StoreCheck(*store, model_).All();
}

void StoreWalk::CheckAll() { StoreCheck(*store_, model_).All(); }

}  // namespace rotv::testing
