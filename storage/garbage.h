// The parts of CollectGarbage(): what goes, in the manifest and in each family, and how the room comes back.

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

// Takes the epochs out of `manifest` that serve no state that stays, or a table that none has, and the gaps that are
// before all of them; writes them down as being dropped. `tables` are those that some state that stays has. Pure.
void ForgetEpochs(const Retention& retention, const std::set<TableId>& tables, proto::Manifest* manifest);

// Of values that are valid from their key on, up to the next key (schemas), or up to their key, from the one before it
// on (sequences): those that no state that stays needs. `keys` ascend. Pure.
enum class Valid { kFromKey, kUpToKey };
std::vector<Lsn> Unneeded(const Retention& retention, const std::vector<Lsn>& keys, Valid valid);

// A range of keys in which something was deleted, both ends inclusive.
using KeySpan = std::pair<std::string, std::string>;

// Deletes the versions that no state needs. Gives the spans, one for each epoch in which there were any.
rocksdb::Status DropVersions(rocksdb::DB* db, rocksdb::ColumnFamilyHandle* rows, const Retention& retention,
                             const std::function<void(uint64_t)>& look, uint64_t* versions, uint64_t* dropped,
                             std::vector<KeySpan>* spans);

// Merges the files of each span until what was deleted takes no room any more.
rocksdb::Status CompactSpans(rocksdb::DB* db, rocksdb::ColumnFamilyHandle* rows, const std::vector<KeySpan>& spans,
                             const std::function<void()>& look);

}  // namespace rotv
