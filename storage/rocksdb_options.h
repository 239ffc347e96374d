// The options of RocksDB: for sorted runs that are written once and read in order, with little memory.

#pragma once

#include <rocksdb/env.h>
#include <rocksdb/options.h>

#include <atomic>
#include <cstdarg>
#include <memory>

#include "storage/lsn.h"

namespace rotv {

// The size of a full file of rows. It is small enough that a scan can be cut into parts at the files' boundaries.
inline constexpr uint64_t kRowFileBytes = uint64_t{8} << 20;

// The key of the manifest, in the column family "default".
inline constexpr const char* kManifestKey = "manifest";

// While this exists, RocksDB removes no table in this thread. If it cannot sync its record of a table that it takes
// over, it removes the table, although the record may be on the disk: then no store would open with it. A table that is
// left without a record is removed by the next opening for writing.
class TablesStay {
 public:
  TablesStay();
  ~TablesStay();
  TablesStay(const TablesStay&) = delete;
  TablesStay& operator=(const TablesStay&) = delete;
};

rocksdb::DBOptions StoreDbOptions();
rocksdb::ColumnFamilyOptions RowFamilyOptions();
rocksdb::ColumnFamilyOptions SmallFamilyOptions();

// For an iterator that goes from row to row. One without this may only be sought for a version of one row (its whole
// key), and shows that row's versions: files whose filters say that they do not have the row are not read.
rocksdb::ReadOptions ReadInOrder();

// Notes whether RocksDB has said that it leaves out a part of its write-ahead log.
class LossWatch : public rocksdb::Logger {
 public:
  using rocksdb::Logger::Logv;
  void Logv(const char* format, va_list arguments) override;
  bool any() const { return any_; }

 private:
  std::atomic<bool> any_{false};
};

// Has RocksDB open a store of which tables are missing or damaged. It then also ignores damage of its write-ahead log,
// and says so nowhere but in its text log, which `losses` reads: the caller refuses such a store.
void TolerateDamagedTables(const std::shared_ptr<LossWatch>& losses, rocksdb::DBOptions* options);

// True if a file of rows can hold versions at or after `from`, by the greatest commit LSN noted in it when it was
// written; also true for a file of an older program, which noted nothing.
bool MayHoldVersionsFrom(const rocksdb::TableProperties& properties, Lsn from);

}  // namespace rotv
