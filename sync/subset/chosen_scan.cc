#include "sync/subset/chosen_scan.h"

namespace rotv::subset {

ChosenScan::ChosenScan(const RowStore& store, const ScanRequest& scan, const ChosenTable* chosen, Rows rows)
    : store_(store), request_(scan), chosen_(chosen), rows_(rows) {}

bool ChosenScan::Next() {
  if (rows_ == Rows::kOneOfAKey) {
    if (!NextRow()) return false;
    key_ = scan_->row_key();
    line_ = scan_->line();
    count_ = 1;
    return true;
  }
  if (!is_ahead_ && !(is_ahead_ = NextRow())) return false;
  // What the scan gives is valid until its next row, which is needed to count.
  key_ = key_copy_ = scan_->row_key();
  line_ = line_copy_ = scan_->line();
  count_ = 0;
  do {
    ++count_;
    is_ahead_ = NextRow();
  } while (is_ahead_ && scan_->row_key() == key_);
  return true;
}

bool ChosenScan::NextRow() {
  while (scan_ || NextRange()) {
    while (scan_->Next()) {
      if (chosen_ == nullptr || chosen_->rows.Has(row_++)) return true;
    }
    scan_.reset();
  }
  return false;
}

// Begins with the next range that has rows of the subset.
bool ChosenScan::NextRange() {
  if (chosen_ == nullptr) {
    if (next_range_++ > 0) return false;
    scan_ = store_.ScanAt(request_);
    return true;
  }
  for (; next_range_ < chosen_->ranges.size(); ++next_range_) {
    const RowRange& range = chosen_->ranges[next_range_];
    if (chosen_->rows.Count(range.first, range.first + range.rows) == 0) continue;
    request_.range = range.range;
    row_ = range.first;
    scan_ = store_.ScanAt(request_);
    ++next_range_;
    return true;
  }
  return false;
}

}  // namespace rotv::subset
