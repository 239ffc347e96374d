#include "storage/rocksdb_options.h"

#include <rocksdb/cache.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>

namespace rotv {
namespace {

constexpr size_t kCacheBytes = size_t{32} << 20;
// Large blocks compress better; a scan reads them all anyway.
constexpr size_t kBlockBytes = size_t{64} << 10;

rocksdb::ColumnFamilyOptions FamilyOptions(const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  table.block_size = kBlockBytes;
  table.format_version = 5;
  table.checksum = rocksdb::kXXH3;
  // Index and filter blocks count towards the cache's limit, so that memory does not grow with the store.
  table.cache_index_and_filter_blocks = true;
  rocksdb::ColumnFamilyOptions options;
  options.compression = rocksdb::kZSTD;
  options.compression_opts.level = 1;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  options.write_buffer_size = size_t{8} << 20;
  options.max_write_buffer_number = 2;
  return options;
}

std::shared_ptr<rocksdb::Cache> SharedCache() {
  static std::shared_ptr<rocksdb::Cache> cache = rocksdb::NewLRUCache(kCacheBytes);
  return cache;
}

}  // namespace

rocksdb::DBOptions StoreDbOptions() {
  rocksdb::DBOptions options;
  options.create_missing_column_families = true;
  options.max_open_files = 256;
  options.max_background_jobs = 2;
  options.keep_log_file_num = 2;
  options.info_log_level = rocksdb::InfoLogLevel::WARN_LEVEL;
  options.max_log_file_size = size_t{1} << 20;
  options.recycle_log_file_num = 0;
  options.max_total_wal_size = size_t{16} << 20;
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  return options;
}

rocksdb::ColumnFamilyOptions RowFamilyOptions() {
  rocksdb::ColumnFamilyOptions options = FamilyOptions(SharedCache());
  // Runs come in sorted and are merged by Tidy(), when a pull is over: merging while one runs takes its processor time.
  options.disable_auto_compactions = true;
  options.level0_slowdown_writes_trigger = 1 << 20;
  options.level0_stop_writes_trigger = 1 << 20;
  // Small enough that a scan can be cut into parts at the files' boundaries.
  options.target_file_size_base = size_t{8} << 20;
  return options;
}

rocksdb::ColumnFamilyOptions SmallFamilyOptions() {
  rocksdb::ColumnFamilyOptions options = FamilyOptions(SharedCache());
  options.compression = rocksdb::kNoCompression;  // Values are compressed, or small.
  return options;
}

}  // namespace rotv
