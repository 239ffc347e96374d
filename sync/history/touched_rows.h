// Reads from the change log which rows were touched between two LSNs, and when.

#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "storage/interrupt.h"
#include "storage/row_store.h"
#include "sync/history/timeline_step.h"

namespace rotv::history {

class TouchedRows {
 public:
  // Reads the transactions with from <= commit LSN < to. Memory is bounded: the keys of a table with very many changes
  // are not kept.
  TouchedRows(const RowStore& store, Lsn from, Lsn to, const Interrupt& interrupt);

  // Returns the touched keys in ascending order; empty if there are none, null if there were too many to be kept.
  const std::vector<std::string>* Keys(TableId table, EpochNumber epoch) const;

  uint64_t transactions() const { return transactions_; }

  // Returns steps of equal length from `begin_us` to `end_us`, by the source's clock. Tables without a name are left
  // out.
  std::vector<TimelineStep> Timeline(int64_t begin_us, int64_t end_us,
                                     const std::map<TableId, std::string>& names) const;

 private:
  using TableAndEpoch = std::pair<TableId, EpochNumber>;
  struct Moment {
    uint64_t transactions = 0;
    std::map<TableId, uint64_t> rows;
  };
  void TakeKeys(const proto::TableChanges& changes);
  void Merge();

  std::map<TableAndEpoch, std::unordered_set<std::string>> found_;
  std::map<TableAndEpoch, std::vector<std::string>> keys_;
  std::vector<TableAndEpoch> too_many_;
  size_t bytes_ = 0;
  uint64_t transactions_ = 0;
  // Moments by commit time, rounded down to a multiple of the resolution, which is doubled when there are too many.
  std::map<int64_t, Moment> moments_;
  int64_t resolution_us_ = 1000;
};

}  // namespace rotv::history
