#include "storage/rocksdb_options.h"

#include <rocksdb/cache.h>
#include <rocksdb/env.h>
#include <rocksdb/file_system.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/options.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/table.h>
#include <rocksdb/table_properties.h>

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <memory>
#include <optional>
#include <string_view>

#include "storage/open_files.h"
#include "storage/row_key.h"
#include "storage/row_version.h"

namespace rotv {
namespace {

// A larger cache is filled by page faults and does not help: lookups of rows come in the order of their keys.
constexpr size_t kCacheBytes = size_t{8} << 20;
// Few threads share it, and a part of it should hold blocks of large rows too.
constexpr int kCacheShardBits = 2;
// Large blocks compress better, and a scan reads all of them anyway; the price is that looking up a single row
// decompresses a whole block.
constexpr size_t kBlockBytes = size_t{32} << 10;

rocksdb::ColumnFamilyOptions FamilyOptions(const std::shared_ptr<rocksdb::Cache>& cache,
                                           const rocksdb::FilterPolicy* filter = nullptr) {
  rocksdb::BlockBasedTableOptions table;
  table.filter_policy.reset(filter);
  table.whole_key_filtering = false;
  table.block_cache = cache;
  table.block_size = kBlockBytes;
  table.format_version = 5;
  table.checksum = rocksdb::kXXH3;
  // Index and filters belong to the open table. There are at most max_open_files of these, so memory does not grow with
  // the store; in a cache of this size a look-up in many runs would evict the filter that the next one needs.
  table.cache_index_and_filter_blocks = false;
  rocksdb::ColumnFamilyOptions options;
  options.compression = rocksdb::kZSTD;
  options.compression_opts.level = 1;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  options.write_buffer_size = size_t{8} << 20;
  options.max_write_buffer_number = 2;
  return options;
}

// One row in a hundred is looked for in a file that does not have it.
constexpr double kFilterBitsPerRow = 10;

constexpr const char* kGreatestLsn = "rotv.greatest_lsn";

// Notes in each file of rows the greatest commit LSN of its keys, including those of deletions.
class GreatestLsn : public rocksdb::TablePropertiesCollector {
 public:
  rocksdb::Status AddUserKey(const rocksdb::Slice& key, const rocksdb::Slice& /*value*/, rocksdb::EntryType /*type*/,
                             rocksdb::SequenceNumber /*sequence*/, uint64_t /*file_size*/) override {
    if (key.size() < kTablePrefixSize + kLsnSuffixSize) {
      greatest_ = UINT64_MAX;  // This is no key of ours; such a file is always read.
    } else {
      greatest_ = std::max(greatest_, ~ReadBigEndian64(key.data() + key.size() - kLsnSuffixSize));
    }
    return rocksdb::Status::OK();
  }

  rocksdb::Status Finish(rocksdb::UserCollectedProperties* properties) override {
    std::string bytes;
    AppendBigEndian64(greatest_, &bytes);
    (*properties)[kGreatestLsn] = bytes;
    return rocksdb::Status::OK();
  }

  rocksdb::UserCollectedProperties GetReadableProperties() const override {
    return {{kGreatestLsn, Lsn(greatest_).ToString()}};
  }
  const char* Name() const override { return "rotv.GreatestLsn"; }

 private:
  uint64_t greatest_ = 0;
};

class GreatestLsnFactory : public rocksdb::TablePropertiesCollectorFactory {
 public:
  rocksdb::TablePropertiesCollector* CreateTablePropertiesCollector(Context /*context*/) override {
    return new GreatestLsn;  // RocksDB deletes it.
  }
  const char* Name() const override { return "rotv.GreatestLsnFactory"; }
};

// What all versions of a row have in common, for filters: the key without the LSN.
class RowOfVersion : public rocksdb::SliceTransform {
 public:
  const char* Name() const override { return "rotv.RowOfVersion"; }
  rocksdb::Slice Transform(const rocksdb::Slice& key) const override {
    return {key.data(), key.size() - kLsnSuffixSize};
  }
  bool InDomain(const rocksdb::Slice& key) const override { return key.size() >= kTablePrefixSize + kLsnSuffixSize; }
};

// RocksDB's own text log is of no use to people, and its writer ends the process where a disk is full (an assertion).
class NoLog : public rocksdb::Logger {
 public:
  using rocksdb::Logger::Logv;
  void Logv(const char* /*format*/, va_list /*arguments*/) override {}
};

std::shared_ptr<rocksdb::Cache> SharedCache() {
  static std::shared_ptr<rocksdb::Cache> cache = rocksdb::NewLRUCache(kCacheBytes, kCacheShardBits);
  return cache;
}

thread_local bool tables_stay = false;

class Files : public rocksdb::FileSystemWrapper {
 public:
  Files() : FileSystemWrapper(rocksdb::FileSystem::Default()) {}
  const char* Name() const override { return "FilesOfStore"; }
  rocksdb::IOStatus DeleteFile(const std::string& file, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* context) override {
    if (tables_stay && file.ends_with(".sst")) return rocksdb::IOStatus::OK();
    return target()->DeleteFile(file, options, context);
  }
};

rocksdb::Env* FilesEnv() {
  static const std::unique_ptr<rocksdb::Env> env = rocksdb::NewCompositeEnv(std::make_shared<Files>());
  return env.get();
}

}  // namespace

TablesStay::TablesStay() { tables_stay = true; }
TablesStay::~TablesStay() { tables_stay = false; }

rocksdb::DBOptions StoreDbOptions() {
  rocksdb::DBOptions options;
  options.env = FilesEnv();
  options.create_missing_column_families = true;
  // Half of what is allowed, where that is little: connections need the rest.
  options.max_open_files = static_cast<int>(std::min<size_t>(256, OpenFilesLimit() / 2));
  options.max_background_jobs = 2;
  options.max_file_opening_threads = 2;  // Most of the default's 16 would have nothing to do in a small store.
  options.info_log = std::make_shared<NoLog>();
  options.recycle_log_file_num = 0;
  options.max_total_wal_size = size_t{16} << 20;
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  return options;
}

rocksdb::ReadOptions ReadInOrder() {
  rocksdb::ReadOptions options;
  options.total_order_seek = true;
  return options;
}

rocksdb::ColumnFamilyOptions RowFamilyOptions() {
  rocksdb::ColumnFamilyOptions options = FamilyOptions(SharedCache(), rocksdb::NewBloomFilterPolicy(kFilterBitsPerRow));
  options.prefix_extractor = std::make_shared<RowOfVersion>();
  // The last level has most rows, and a filter that says so would only take space.
  options.optimize_filters_for_hits = true;
  // Runs are ingested sorted, and Compact() merges them after a pull: automatic compaction would take the pull's
  // processor time.
  options.disable_auto_compactions = true;
  options.level0_slowdown_writes_trigger = 1 << 20;
  options.level0_stop_writes_trigger = 1 << 20;
  options.target_file_size_base = kRowFileBytes;
  options.table_properties_collector_factories.push_back(std::make_shared<GreatestLsnFactory>());
  return options;
}

void LossWatch::Logv(const char* format, va_list arguments) {
  char line[1024];
  vsnprintf(line, sizeof line, format, arguments);
  // Of log::Reader's reporter, DBImpl::RecoverLogFiles().
  if (std::string_view(line).find("dropping") != std::string_view::npos) any_ = true;
}

void TolerateDamagedTables(const std::shared_ptr<LossWatch>& losses, rocksdb::DBOptions* options) {
  options->paranoid_checks = false;
  options->info_log = losses;
}

bool MayHoldVersionsFrom(const rocksdb::TableProperties& properties, Lsn from) {
  auto found = properties.user_collected_properties.find(kGreatestLsn);
  if (found == properties.user_collected_properties.end() || found->second.size() != kLsnSuffixSize) return true;
  return Lsn(ReadBigEndian64(found->second.data())) >= from;
}

rocksdb::ColumnFamilyOptions SmallFamilyOptions() {
  rocksdb::ColumnFamilyOptions options = FamilyOptions(SharedCache());
  options.compression = rocksdb::kNoCompression;  // Large values are compressed already.
  return options;
}

}  // namespace rotv
