// Compares tables of the store with the source, by digests: several tables at a time, large ones in several parts. No
// row leaves the source.

#pragma once

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "proto/store.pb.h"
#include "storage/row_store.h"
#include "sync/compare/table_digest.h"
#include "sync/postgres/source_session.h"

namespace rotv::compare {

// One table, and what came out.
struct TableCheck {
  const proto::Table* table = nullptr;
  EpochNumber epoch = 0;

  TableDigest stored;
  std::vector<GroupDigest> source;  // Of the same groups. Of a table that is equal, both are one group in the end.
  size_t parts_left = 0;            // Of the source's file, to be read.
  std::string unreadable;           // What prevents the store from reading its own rows; empty if nothing does.
  bool moved = false;               // It was rewritten, renamed or dropped: the snapshot no longer says anything.

  bool equal() const { return unreadable.empty() && !moved && stored.groups == source; }
  // Keeps no more than the sums, once it is known to be equal: there may be thousands of large tables.
  void ForgetGroups();
  // Those that are not equal, in order.
  std::vector<size_t> DifferingGroups() const;
};

struct CheckRequest {
  std::string snapshot;  // Exported, and safe to read through.
  Lsn lsn;               // The state that it is; the store has it, too.
};

// Fills `checks`. Each reading on the source is a transaction of its own; what stands in somebody's way is tried again
// later, until ten minutes have passed without any progress (kUnreachable). Throws kProtocol if the source does not
// hash text as we do.
void CheckTables(postgres::SourceSession& session, const RowStore& store, const CheckRequest& request,
                 std::deque<TableCheck>* checks);

// A scan of the table's rows as the digest is made of them. `range` as in ScanRequest.
std::unique_ptr<RowScan> ScanForCheck(const RowStore& store, const TableCheck& check, Lsn lsn, KeyRange range = {});

// The text of the first key columns, from a row's key.
std::vector<std::string> KeyTexts(const proto::Table& table, std::string_view row_key, int columns);

}  // namespace rotv::compare
