// Compares tables of the store with the source by digests: several tables at a time, large ones in several parts. No
// row leaves the source.

#pragma once

#include <deque>
#include <string>
#include <vector>

#include "proto/store.pb.h"
#include "storage/row_store.h"
#include "sync/compare/digests_ahead.h"
#include "sync/compare/table_digest.h"
#include "sync/postgres/source_session.h"

namespace rotv::compare {

// The check of one table, with its result.
struct TableCheck {
  const proto::Table* table = nullptr;
  EpochNumber epoch = 0;

  TableDigest stored;
  std::vector<GroupDigest> source;  // The source's digest of the same groups. For a table that is equal, both are
                                    // reduced to one group in the end.
  size_t parts_left = 0;            // Parts of the source's file that are still to be read.
  std::string unreadable;           // Why the store cannot read its own rows; empty if it can.
  bool moved = false;               // The table was rewritten, renamed or dropped: the exported snapshot tells nothing
                                    // about it any more.

  bool equal() const { return unreadable.empty() && !moved && stored.groups == source; }
  // Reduces the digests to their sums once the table is known to be equal: there may be thousands of large tables.
  void ForgetGroups();
  // Returns the groups that differ, in order.
  std::vector<size_t> DifferingGroups() const;
};

struct CheckRequest {
  std::string snapshot;           // An exported snapshot that is safe to read through.
  Lsn lsn;                        // The LSN of that snapshot; the store has this state, too.
  DigestsAhead* ahead = nullptr;  // What was read of that state before, if anything.
};

// Fills `checks`. Each read on the source is a transaction of its own; one that blocks another session is cancelled and
// tried again later, until ten minutes have passed without any progress (kUnreachable). Throws kProtocol if the source
// hashes text differently than we do.
void CheckTables(postgres::SourceSession& session, const RowStore& store, const CheckRequest& request,
                 std::deque<TableCheck>* checks);

}  // namespace rotv::compare
