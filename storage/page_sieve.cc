#include "storage/page_sieve.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "storage/error.h"

namespace rotv {
namespace {

constexpr size_t kBytesAtOnce = size_t{16} << 20;
constexpr size_t kBytesOfWaiting = 160;  // A function with the key of a row, about.

// `dropped` ascends.
std::string Without(const Page& page, const std::vector<uint32_t>& dropped) {
  PageBuffer left;
  PageReader rows;
  std::string value;
  uint32_t number = 0;
  auto next = dropped.begin();
  for (rows.Open(page.key, page.value); !rows.AtEnd(); rows.Next(), ++number) {
    if (next != dropped.end() && *next == number) {
      ++next;
      continue;
    }
    value.clear();
    AppendRowVersion(rows.version(), &value);
    left.Add(rows.key(), value);
  }
  left.EndPage();
  if (left.pages().size() > 1 || !left.Singles().empty()) {
    throw Error(ErrorCode::kBug, "a page with fewer rows does not fit into a page");
  }
  return left.pages().empty() ? "" : left.pages().front().value;
}

}  // namespace

void PageSieve::Add(std::string_view key, std::string_view value, uint32_t row) {
  row_ = row;
  if (key == page_.key) return;
  EndPage();
  page_.key = key;
  page_.value = value;
}

void PageSieve::EndPage() {
  if (!dropped_rows_.empty()) {
    // It keeps its key, also if that was the key of a row that is gone: a page needs one that no row in it is behind.
    Page page{.key = page_.key, .value = Without(page_, dropped_rows_)};
    bytes_ += sizeof page + page.key.size() + page.value.size() + waiting_.size() * kBytesOfWaiting;
    Replaced& replaced = page.value.empty() ? gone_ : smaller_;
    replaced.rows += dropped_rows_.size();
    replaced.pages.push_back(std::move(page));
    std::move(waiting_.begin(), waiting_.end(), std::back_inserter(replaced.then));
  }
  page_.key.clear();
  dropped_rows_.clear();
  waiting_.clear();
  if (bytes_ <= kBytesAtOnce) return;
  Pass(&gone_);
  Pass(&smaller_);
  bytes_ = 0;
}

void PageSieve::Pass(Replaced* replaced) {
  const Replaced now = std::exchange(*replaced, {});
  if (now.pages.empty() || !replace_(now.pages)) return;
  dropped_ += now.rows;
  for (const std::function<void()>& then : now.then) then();
}

void PageSieve::Finish() {
  EndPage();
  Pass(&gone_);
  Pass(&smaller_);
}

}  // namespace rotv
