// The parts of RowStore::CollectGarbage(): they decide what is removed from the manifest and from each column family,
// and free the disk space.

#pragma once

#include <rocksdb/db.h>

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "proto/store.pb.h"
#include "storage/retention.h"
#include "storage/row_version.h"

namespace rotv {

// Moves epochs of `manifest` to its list of those being dropped: epochs that serve no retained state, and epochs of
// tables that no retained state has (`tables` are those that one has). Gaps before all retained states are removed.
// Pure.
void ForgetEpochs(const Retention& retention, const std::set<TableId>& tables, proto::Manifest* manifest);

// Finds the keys whose values no retained state needs. kFromKey: a value is valid from its key up to the next one
// (schemas). kUpToKey: it is valid from the key before it up to its own (sequences). `keys` ascend. Pure.
enum class Valid { kFromKey, kUpToKey };
std::vector<Lsn> Unneeded(const Retention& retention, const std::vector<Lsn>& keys, Valid valid);

// A range of keys in which versions were deleted, both ends inclusive.
using KeySpan = std::pair<std::string, std::string>;

// Deletes the versions that no retained state needs, in one pass over all of them. Calls `look` every few thousand
// versions with their number so far; it may throw. Adds to `*versions` (seen), and sets `*dropped` (deleted) and
// `*spans`, one for each epoch in which any were deleted.
rocksdb::Status DropVersions(rocksdb::DB* db, rocksdb::ColumnFamilyHandle* rows, const Retention& retention,
                             const std::function<void(uint64_t)>& look, uint64_t* versions, uint64_t* dropped,
                             std::vector<KeySpan>* spans);

// Compacts the files of each span, so that deleted versions take no disk space any more.
rocksdb::Status CompactSpans(rocksdb::DB* db, rocksdb::ColumnFamilyHandle* rows, const std::vector<KeySpan>& spans,
                             const std::function<void()>& look);

}  // namespace rotv
