// Compaction of the files of rows, so that a scan reads few of them at the same time and few in all.
//
// A level of RocksDB is one sorted run: its files do not overlap. Only the files of level 0 do, and each of them is a
// run of its own.

#pragma once

#include <rocksdb/db.h>

#include <cstdint>
#include <functional>

#include "storage/compaction_owed.h"

namespace rotv {

// Says whether so many bytes can be written.
using HasRoom = std::function<bool(uint64_t bytes)>;

// kMuch: level 0 has 192 files.
CompactionOwed CompactionOwedByRows(rocksdb::DB* db, rocksdb::ColumnFamilyHandle* rows);

// Merges files where there are many. These bounds hold afterwards, whatever was written:
//
// - Runs that a scan merges: level 0 has fewer than 24 files, and there are six more levels.
// - Files: merging neighbours that have at most 4 MiB together could save fewer than 24 files; apart from those there
// is at most one file for every 2 MiB.
//
// The cost is bounded too, however large the store is:
//
// - Levels are merged into the next one only if that has at most four times their bytes, or less than a full file. So a
// byte is written at most about five times for each of the six levels, and most of the store stays where it is. (If all
// six levels are in use, the first may be larger than that, but has less than a thousandth of the store.)
// - Small neighbours are merged into files of 4 MiB once that saves 24 files: a small file costs 4 MiB at most.
// - Files are merged into a large level in portions, so that disk space is needed for one portion only; and of level 0
// at most 64 at a time, the oldest first, so that memory is bounded too.
//
// A kill at any moment loses no more than the merge of one portion: the next call goes on. Must not run at the same
// time as writes. Ends early, without an error and without these bounds, where a merge has no room on the disk.
// `merged` is called after each merge, to have the files removed that went into it, and may throw.
rocksdb::Status CompactRows(rocksdb::DB* db, rocksdb::ColumnFamilyHandle* rows, const HasRoom& has_room,
                            const std::function<void()>& merged);

}  // namespace rotv
