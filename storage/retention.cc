#include "storage/retention.h"

#include <algorithm>

// One pass from the newest version to the oldest decides everything, since what makes an older version necessary is
// always newer: a retained state between it and its successor, or a needed partial version that it completes.
// Tombstones are the exception. One that a retained state sees must stay only while an older version of the row stays,
// which it hides; so tombstones wait in hiding_ until an older version is kept, and are dropped if none is. Without
// this a table of many short-lived rows would keep one tombstone for each forever.

namespace rotv {

Retention::Retention(std::vector<Lsn> points, Lsn keep_from) : points_(std::move(points)), keep_from_(keep_from) {
  std::sort(points_.begin(), points_.end());
  points_.erase(std::unique(points_.begin(), points_.end()), points_.end());
}

bool Retention::NeedsAny(Lsn after, Lsn to) const {
  size_t point = 0;
  return NeededIn(after, to, &point) != Needed::kByNone;
}

Retention::Needed Retention::NeededIn(Lsn after, Lsn to, size_t* point) const {
  if (to >= keep_from_ && to > after) return Needed::kBySeveral;
  auto first = std::upper_bound(points_.begin(), points_.end(), after);
  if (first == points_.end() || *first > to) return Needed::kByNone;
  *point = static_cast<size_t>(first - points_.begin());
  return std::next(first) != points_.end() && *std::next(first) <= to ? Needed::kBySeveral : Needed::kByOne;
}

void SoleNeeds::EndRow() {
  newer_.reset();
  fills_ = false;
}

void SoleNeeds::Add(Lsn commit_lsn, RowVersion::Kind kind, size_t bytes) {
  total_ += bytes;
  size_t point = 0;
  Retention::Needed needed = retention_.NeededIn(commit_lsn, newer_.value_or(Lsn(UINT64_MAX)), &point);
  newer_ = commit_lsn;
  if (kind == RowVersion::Kind::kTombstone) {
    fills_ = false;
    return;
  }
  const bool by_others = needed == Retention::Needed::kBySeveral ||
                         (fills_ && (!fills_for_ || (needed == Retention::Needed::kByOne && *fills_for_ != point)));
  if (needed == Retention::Needed::kByNone && !fills_) return;
  if (needed == Retention::Needed::kByNone && fills_for_) point = *fills_for_;
  if (!by_others) bytes_[point] += bytes;
  fills_ = kind == RowVersion::Kind::kPartial;
  fills_for_ = by_others ? std::nullopt : std::optional(point);
}

void RowSieve::EndRow() {
  for (Lsn lsn : hiding_) drop_(lsn);  // No older version is left for them to hide.
  hiding_.clear();
  newer_.reset();
  fills_ = false;
}

void RowSieve::Add(Lsn commit_lsn, RowVersion::Kind kind) {
  const bool needed = retention_.NeedsAny(commit_lsn, newer_.value_or(Lsn(UINT64_MAX)));
  newer_ = commit_lsn;
  if (kind == RowVersion::Kind::kTombstone) {
    fills_ = false;
    if (needed) {
      hiding_.push_back(commit_lsn);
    } else {
      drop_(commit_lsn);
    }
    return;
  }
  if (!needed && !fills_) {
    drop_(commit_lsn);
    return;
  }
  hiding_.clear();  // These tombstones stay: they hide this version.
  fills_ = kind == RowVersion::Kind::kPartial;
}

}  // namespace rotv
