// PageSieve takes rows that no retained state needs out of pages. It is a part of RowStore::CollectGarbage().

#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/row_page.h"

namespace rotv {

// It is told of the rows of all pages in the order of their keys. One thread may use it.
class PageSieve {
 public:
  // Called with pages that are to be replaced, some MiB at a time; those without a value have no rows left. On return
  // of true that is durable. False, if any of them has a value: there is no room, and all of them stay as they were.
  using Replace = std::function<bool(const std::vector<Page>& pages)>;
  explicit PageSieve(Replace replace) : replace_(std::move(replace)) {}

  // The next row: number `row` of a page with this key and value.
  void Add(std::string_view key, std::string_view value, uint32_t row);
  // The row that was added last is not needed.
  void Drop() { dropped_rows_.push_back(row_); }
  // Has `then` called once that row is gone for good; never, if it stays.
  void OnceGone(std::function<void()> then) { waiting_.push_back(std::move(then)); }
  // After the last row.
  void Finish();

  // The rows that were taken out.
  uint64_t dropped() const { return dropped_; }

 private:
  void EndPage();

  const Replace replace_;
  Page page_;  // The present one; without a key there is none.
  uint32_t row_ = 0;
  std::vector<uint32_t> dropped_rows_;
  std::vector<std::function<void()>> waiting_;
  // What is to be passed on together.
  struct Replaced {
    std::vector<Page> pages;
    std::vector<std::function<void()>> then;
    uint64_t rows = 0;  // That were taken out.
  };
  void Pass(Replaced* replaced);
  Replaced smaller_, gone_;  // Pages with rows left, and without.
  size_t bytes_ = 0;         // The approximate memory use of both.
  uint64_t dropped_ = 0;
};

}  // namespace rotv
