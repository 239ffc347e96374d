#include "storage/run_sorter.h"

#include <algorithm>
#include <future>
#include <memory>
#include <utility>
#include <vector>

// A table is mostly read in the order in which its rows were inserted. Where that is the order of the keys, each full
// buffer follows the one before, and is written as it is. Where keys are random, each buffer has rows from everywhere:
// written as they are, these runs would all overlap, a scan would have to merge as many as there are buffers, and
// compaction would compress all of it a second time. So they are sorted on disk first, and compressed once. In between
// are tables of which some rows were updated, and moved: what follows is written, and only the rest is sorted. The
// first buffer is held back until the second one tells which kind this is.

namespace rotv {
namespace {

using Entries = std::vector<VersionBuffer::Entry>;

// The size of what is written to the store at once: a good file of it.
constexpr size_t kRunBytes = size_t{16} << 20;
constexpr uint64_t kRowsBetweenLooks = 8192;

// Writes buffers in a thread of its own, one after the other, while the next one is filled.
class Writing {
 public:
  explicit Writing(RowStore& store) : store_(store) {}

  void Write(std::unique_ptr<VersionBuffer> rows) {
    Wait();
    under_way_ = std::async(std::launch::async,
                            [this, rows = std::move(rows)]() -> std::optional<TableId> { return store_.Write(*rows); });
  }
  // The table of a row that was there twice in any buffer.
  std::optional<TableId> Wait() {
    if (under_way_.valid()) {
      const std::optional<TableId> twice = under_way_.get();
      if (!twice_) twice_ = twice;
    }
    return twice_;
  }

 private:
  RowStore& store_;
  std::optional<TableId> twice_;
  std::future<std::optional<TableId>> under_way_;  // Its destructor waits.
};

std::unique_ptr<VersionBuffer> NewBuffer() { return std::make_unique<VersionBuffer>(VersionBuffer::Index::kNone); }

}  // namespace

RunSorter::RunSorter(RowStore& store) : store_(store), late_(store.directory()) {}

std::optional<TableId> RunSorter::Add(std::unique_ptr<VersionBuffer> rows) {
  if (rows->empty()) return std::nullopt;
  if (last_key_.empty()) {
    last_key_ = rows->GreatestKey();
    if (rows->bytes() > 2 * kRunBytes) return store_.Write(*rows);  // A large row is not held.
    first_ = std::move(rows);
    return std::nullopt;
  }
  const Entries sorted = rows->Sorted();
  const auto follows = std::partition_point(sorted.begin(), sorted.end(), [this](const VersionBuffer::Entry& entry) {
    return entry.key() <= std::string_view(last_key_);
  });
  const auto late = follows - sorted.begin();
  // Where the disk cannot hold the rows twice, runs that overlap are better than no copy.
  const bool has_room = late_.HasRoomFor(rows->bytes());
  const bool is_late = has_room && 2 * late > static_cast<std::ptrdiff_t>(sorted.size());
  if (const std::optional<TableId> twice = PassOnFirst(is_late ? To::kLate : To::kStore)) return twice;
  if (is_late) {
    late_.Add(sorted.data(), sorted.data() + sorted.size());
    return std::nullopt;
  }
  if (sorted.back().key() > last_key_) last_key_ = sorted.back().key();
  if (late == 0 || !has_room) return store_.Write(*rows);
  late_.Add(sorted.data(), sorted.data() + late);
  const std::unique_ptr<VersionBuffer> following = NewBuffer();
  for (auto entry = follows; entry != sorted.end(); ++entry) following->PutEncoded(entry->key(), entry->value());
  return store_.Write(*following);
}

std::optional<TableId> RunSorter::PassOnFirst(To to) {
  if (!first_) return std::nullopt;
  const std::unique_ptr<VersionBuffer> first = std::move(first_);
  if (to == To::kStore) return store_.Write(*first);
  const Entries sorted = first->Sorted();
  late_.Add(sorted.data(), sorted.data() + sorted.size());
  return std::nullopt;
}

std::optional<TableId> RunSorter::Finish(const std::function<void()>& look) {
  last_key_.clear();
  if (const std::optional<TableId> twice = PassOnFirst(To::kStore)) return twice;
  if (late_.empty()) return std::nullopt;
  Writing writing(store_);
  std::unique_ptr<VersionBuffer> buffer = NewBuffer();
  uint64_t rows = 0;
  late_.Merge([&](std::string_view key, std::string_view value) {
    if (++rows % kRowsBetweenLooks == 0) look();
    buffer->PutEncoded(key, value);
    if (buffer->bytes() < kRunBytes) return;
    const bool has_large_row = buffer->bytes() > 2 * kRunBytes;
    writing.Write(std::exchange(buffer, NewBuffer()));
    if (has_large_row) (void)writing.Wait();  // Such a row is not held twice.
  });
  writing.Write(std::move(buffer));
  return writing.Wait();
}

}  // namespace rotv
