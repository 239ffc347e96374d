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
//
// Rows are written in pages, which must not overlap. Those that follow are one sequence; what was put aside is another,
// of which the rows between the first and the last row of their table in the first sequence are written one by one.

namespace rotv {
namespace {

// The size of what is written to the store at once: a good file of it.
constexpr size_t kRunBytes = size_t{16} << 20;
constexpr uint64_t kRowsBetweenLooks = 8192;

// Writes pages in a thread of its own, while the next ones are made.
class Writing {
 public:
  explicit Writing(RowStore& store) : store_(store) {}

  void Write(std::unique_ptr<PageBuffer> rows) {
    Wait();
    under_way_ = std::async(std::launch::async, [this, rows = std::move(rows)] { store_.WritePages(*rows); });
  }
  void Wait() {
    if (under_way_.valid()) under_way_.get();
  }

 private:
  RowStore& store_;
  std::future<void> under_way_;  // Its destructor waits.
};

}  // namespace

RunSorter::RunSorter(RowStore& store) : store_(store), late_(store.directory()) {}

std::optional<TableId> RunSorter::Add(std::unique_ptr<VersionBuffer> rows) {
  if (rows->empty()) return std::nullopt;
  if (last_key_.empty()) {
    last_key_ = rows->GreatestKey();
    first_ = std::move(rows);
    if (first_->bytes() <= 2 * kRunBytes) return std::nullopt;
    return PassOnFirst(late_.HasRoomFor(first_->bytes()) ? To::kLate : To::kStore);  // A large row is not held.
  }
  const Entries sorted = rows->Sorted();
  if (const std::optional<TableId> twice = VersionBuffer::TableWithTwins(sorted)) return twice;
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
  PageBuffer pages;
  if (has_room) {
    late_.Add(sorted.data(), sorted.data() + late);
  } else {
    for (auto entry = sorted.begin(); entry != follows; ++entry) pages.AddSingle(entry->key(), entry->value());
  }
  WriteInOrder({follows, sorted.end()}, &pages);
  return std::nullopt;
}

std::optional<TableId> RunSorter::PassOnFirst(To to) {
  if (!first_) return std::nullopt;
  const std::unique_ptr<VersionBuffer> first = std::move(first_);
  const Entries sorted = first->Sorted();
  if (const std::optional<TableId> twice = VersionBuffer::TableWithTwins(sorted)) return twice;
  if (to == To::kLate) {
    late_.Add(sorted.data(), sorted.data() + sorted.size());
  } else {
    PageBuffer pages;
    WriteInOrder(sorted, &pages);
  }
  return std::nullopt;
}

void RunSorter::WriteInOrder(const Entries& sorted, PageBuffer* pages) {
  Span* span = nullptr;
  std::string_view table, last;
  for (const VersionBuffer::Entry& entry : sorted) {
    if (const std::string_view its = entry.key().substr(0, kTablePrefixSize); its != table) {
      if (span != nullptr) span->last = last;
      table = its;
      span = &in_pages_[std::string(table)];
      if (span->first.empty()) span->first = entry.key();
    }
    last = entry.key();
    pages->AddView(entry);
  }
  if (span != nullptr) span->last = last;
  pages->EndPage();
  store_.WritePages(*pages);
}

std::optional<TableId> RunSorter::Finish(const std::function<void()>& look) {
  last_key_.clear();
  if (const std::optional<TableId> twice = PassOnFirst(To::kStore)) return twice;
  const std::map<std::string, Span, std::less<>> in_pages = std::exchange(in_pages_, {});
  if (late_.empty()) return std::nullopt;
  Writing writing(store_);
  auto pages = std::make_unique<PageBuffer>();
  std::optional<TableId> twice;
  std::string last;
  const Span* span = nullptr;
  bool is_behind = false;  // The rows before were behind their table's span.
  uint64_t rows = 0;
  late_.Merge([&](std::string_view key, std::string_view value) {
    if (++rows % kRowsBetweenLooks == 0) look();
    if (key == last && !twice) twice = DecodeVersionKey(key).table;
    const std::string_view table = key.substr(0, kTablePrefixSize);
    if (!std::string_view(last).starts_with(table)) {
      const auto found = in_pages.find(table);
      span = found == in_pages.end() ? nullptr : &found->second;
      is_behind = false;
    }
    last = key;
    if (span != nullptr && key >= span->first && key <= span->last) {
      pages->AddSingle(key, value);
    } else {
      if (span != nullptr && key > span->last && !std::exchange(is_behind, true)) pages->EndPage();
      pages->Add(key, value);
    }
    if (pages->bytes() < kRunBytes) return;
    const bool has_large_row = pages->bytes() > 2 * kRunBytes;
    pages->EndPage();
    writing.Write(std::exchange(pages, std::make_unique<PageBuffer>()));
    if (has_large_row) writing.Wait();  // Such a row is not held twice.
  });
  pages->EndPage();
  writing.Write(std::move(pages));
  writing.Wait();
  return twice;
}

}  // namespace rotv
