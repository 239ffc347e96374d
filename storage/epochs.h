// The unbroken histories of tables, as the manifest has them.

#pragma once

#include <map>

#include "proto/store.pb.h"
#include "storage/lsn.h"
#include "storage/row_version.h"

namespace rotv {

// By table, the epoch that serves the state at `lsn`; tables that have none then are left out.
std::map<TableId, EpochNumber> EpochsAt(const proto::Manifest& manifest, Lsn lsn);

// The history of `table`, which is added if there is none.
proto::TableHistory& HistoryOf(proto::Manifest& manifest, TableId table);

// Begins a new epoch, which serves the states behind `start_lsn`; gives its number, which no other ever had.
EpochNumber BeginEpoch(proto::TableHistory& history, Lsn start_lsn);

}  // namespace rotv
