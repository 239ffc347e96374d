// Walks the rows of a table that a subset has, in the order of their keys.

#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "storage/row_store.h"
#include "sync/subset/chosen_rows.h"

namespace rotv::subset {

class ChosenScan {
 public:
  // `chosen` are the rows to walk, of the state that `scan` asks for; null: all. Both outlive this object.
  enum class Rows { kOneOfAKey, kMultiset };
  ChosenScan(const RowStore& store, const ScanRequest& scan, const ChosenTable* chosen, Rows rows);

  // Goes to the next key; false at the end. Throws as RowScan does.
  bool Next();
  // Until Next() is called.
  std::string_view key() const { return key_; }
  std::string_view line() const { return line_; }
  uint32_t count() const { return count_; }  // Rows that are equal, of a multiset; else 1.

 private:
  bool NextRow();
  bool NextRange();

  const RowStore& store_;
  ScanRequest request_;
  const ChosenTable* const chosen_;
  const Rows rows_;
  size_t next_range_ = 0;
  std::unique_ptr<RowScan> scan_;
  uint64_t row_ = 0;  // The number of the scan's next row.
  bool is_ahead_ = false;
  std::string key_copy_, line_copy_;
  std::string_view key_, line_;
  uint32_t count_ = 0;
};

}  // namespace rotv::subset
