// The epochs of tables (unbroken histories of their rows), as the manifest has them.

#pragma once

#include <map>

#include "proto/store.pb.h"
#include "storage/lsn.h"
#include "storage/row_version.h"

namespace rotv {

// Gives for each table the epoch that serves the state at `lsn`. A table without one at that LSN is left out, and so is
// one whose epoch is damaged.
std::map<TableId, EpochNumber> EpochsAt(const proto::Manifest& manifest, Lsn lsn);

// Gives the epoch of `table`, which has rows, in what EpochsAt() gave for `lsn`. Throws kCorrupt if it has none.
EpochNumber EpochOf(const std::map<TableId, EpochNumber>& epochs, const proto::Table& table, Lsn lsn);

// Finds the history of `table`, and adds an empty one if there is none.
proto::TableHistory& HistoryOf(proto::Manifest& manifest, TableId table);

// Begins a new epoch, which serves the states after `start_lsn`. Returns its number, which no other epoch of this table
// ever had.
EpochNumber BeginEpoch(proto::TableHistory& history, Lsn start_lsn);

}  // namespace rotv
