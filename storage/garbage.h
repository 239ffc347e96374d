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
#include "storage/page_sieve.h"
#include "storage/retention.h"
#include "storage/row_version.h"
#include "storage/version_iterator.h"

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

struct DropRequest {
  rocksdb::DB* db = nullptr;
  rocksdb::ColumnFamilyHandle* rows = nullptr;
  VersionIterator& versions;  // Of all rows.
  const Retention& retention;
  const std::function<void(uint64_t)>& look;
  // Replaces pages and removes those without a value, durably. False: there is no room for that.
  PageSieve::Replace replace_pages;
};
struct Dropped {
  uint64_t seen = 0;      // Versions.
  uint64_t versions = 0;  // That were deleted.
  std::vector<KeySpan> rows,
      pages;  // One for each epoch in which any single version was deleted, or any page replaced.
};
// Deletes the versions that no retained state needs, in one pass over all of them. Calls `look` every few thousand
// versions with their number so far; it may throw. Fills `*dropped`.
rocksdb::Status DropVersions(const DropRequest& request, Dropped* dropped);

// Compacts the files of each span, so that deleted versions take no disk space any more.
rocksdb::Status CompactSpans(rocksdb::DB* db, rocksdb::ColumnFamilyHandle* rows, const std::vector<KeySpan>& spans,
                             const std::function<void()>& look);

}  // namespace rotv
