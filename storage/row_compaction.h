// Merges files of rows, so that a scan has few of them to read side by side and few in all.
//
// A level of RocksDB is one sorted run: its files do not overlap. Only those of level 0 do, and every one of them is a
// run of its own.

#pragma once

#include <rocksdb/db.h>

namespace rotv {

// What is bounded, whatever was written:
//
// - The runs that a scan merges. Level 0 has fewer than 24 files afterwards, and there are six more levels.
// - The files. Fewer than 24 could be saved by merging neighbours that have 4 MiB together; but for those, there is one
// for every 2 MiB at most.
//
// What it costs, however large the store is:
//
// - Levels are merged into the next one only if that has at most four times their bytes, or less than a full file. So a
// byte is written at most some five times for each of the six levels, and most of the store stays where it is. (If all
// six are in use, the first may have more than that, but has less than a thousandth of the store.)
// - Small neighbours are merged into files of 4 MiB once that saves 24: a small file costs 4 MiB at most.
// - What goes into a large level goes in portions, so that room on the disk is needed for one of them only.
//
// Being killed at any moment loses nothing and leaves nothing. Not at the same time as writes.
rocksdb::Status CompactRows(rocksdb::DB* db, rocksdb::ColumnFamilyHandle* rows);

}  // namespace rotv
