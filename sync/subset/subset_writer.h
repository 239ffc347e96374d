// Keeps a store that has the subset of another one, with points of its own: each is the subset of one state.

#pragma once

#include <cstdint>

#include "storage/error.h"
#include "storage/interrupt.h"
#include "storage/row_store.h"
#include "sync/context/progress.h"
#include "sync/subset/chosen_rows.h"

namespace rotv::subset {

// One state of the source's store, and what of it is wanted.
struct SubsetState {
  const RowStore& store;
  Lsn lsn;
  StoreState::Moment moment;
  const ChosenRows& rows;  // At `lsn`.
};

// Thrown where the source's store turns out to be damaged, and not the target.
class SourceDamaged : public Error {
 public:
  explicit SourceDamaged(const Error& error) : Error(error) {}
};

struct WrittenChanges {
  uint64_t rows = 0;  // The subset's.
  uint64_t inserted = 0, updated = 0, deleted = 0;
};

// Makes the state the first one of `target`, which is new: with this origin and baseline. Throws as WriteNextSubset()
// does; what is left then is of no use.
WrittenChanges WriteFirstSubset(const SubsetState& state, const StoreState& baseline, RowStore& target,
                                Progress& progress, const Interrupt& interrupt);

// Makes the state the head of `target`, whose head is a state of the same history before it: what came, changed or went
// since is written as one transaction, just before the head, and between both there is a gap. Memory is bounded but for
// the choice. If it ends before that, by a kill too, `target` is as it was, and can be brought to any later state.
//
// Throws SourceDamaged, kCorrupt, kDisk and kInterrupted.
WrittenChanges WriteNextSubset(const SubsetState& state, RowStore& target, Progress& progress,
                               const Interrupt& interrupt);

}  // namespace rotv::subset
