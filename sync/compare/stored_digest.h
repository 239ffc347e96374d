// Digests the rows of a table as the store has them.

#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "proto/store.pb.h"
#include "storage/row_store.h"
#include "sync/compare/table_digest.h"

namespace rotv::compare {

// A table of the store, at one of its states.
struct StoredTable {
  const proto::Table& table;
  EpochNumber epoch = 0;
  Lsn lsn;
};

// Returns a scan of the table's rows, in the form that digests are computed from. `range` is ScanRequest's.
std::unique_ptr<RowScan> ScanForCheck(const RowStore& store, const StoredTable& table, KeyRange range = {});

// Reads the table and decides its groups. Calls `report` now and then with the number of rows since the last call; an
// exception from it ends the reading. Throws kCorrupt if the store cannot read its own rows.
TableDigest DigestOf(const RowStore& store, const StoredTable& table, const std::function<void(uint64_t)>& report);

// Returns the text of the first `columns` key columns of a row's key.
std::vector<std::string> KeyTexts(const proto::Table& table, std::string_view row_key, int columns);

}  // namespace rotv::compare
