#include "storage/row_compaction.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "storage/rocksdb_options.h"

// Each pull ingests a few sorted runs into level 0, and a scan merges all runs, so without compaction scans slow down
// with the number of pulls. The idea is that of a leveled merge tree, driven by sizes: once level 0 has kMostRuns
// files, all levels above some level are merged into it, and the walk down stops before the first level that is more
// than kMostTimesLarger times as large as what moves. So a small pull leaves most of a large store alone, and each
// byte is written a bounded number of times per level (the header has the bounds).
//
// A process that merges while nobody waits is ended whenever somebody does, and then has to begin its present merge
// once more. So no merge takes more than kMostRunsAtOnce runs: those of one large pull.
//
// Invariants: the order of levels stays the order of age, since everything above the target level moves, of level 0 the
// oldest files, so a deletion never sinks below the version that it deletes; and RocksDB installs the result of each
// CompactFiles() atomically, so a kill between two of them leaves a valid store.
//
// RocksDB's automatic compaction is off: it would run during a pull and take its processor time. A full CompactRange()
// after each pull would not do either: its cost grows with the store, not with the pull.
//
// Many small tables or pulls also leave many small files within one level, which add no runs but have to be opened one
// by one. MergeNeighbours() joins adjacent ones, again only once that saves a fixed number of files.

namespace rotv {
namespace {

// A scan is noticeably slower with more runs than this in level 0.
constexpr size_t kMostRuns = 24;
constexpr size_t kMostRunsAtOnce = 64;
constexpr size_t kManyRuns = 192;
constexpr size_t kMostSmallNeighbours = 24;
// The files that a baseline writes are larger, even if its rows compress well, so they are not rewritten.
constexpr uint64_t kSmallBytes = kRowFileBytes / 2;
constexpr uint64_t kMostTimesLarger = 4;
// This many files move to the next level at a time: together with the files they overlap there, some 150 MB.
constexpr size_t kPortionFiles = 4;

class RowCompaction {
 public:
  RowCompaction(rocksdb::DB* db, rocksdb::ColumnFamilyHandle* rows, HasRoom has_room, std::function<void()> merged)
      : db_(db), rows_(rows), has_room_(std::move(has_room)), merged_(std::move(merged)) {
    Look();
  }

  CompactionOwed owed() const {
    if (files(0).size() >= kManyRuns) return CompactionOwed::kMuch;
    const bool some = files(0).size() >= kMostRuns || Superfluous(SmallNeighbours()) >= kMostSmallNeighbours;
    return some ? CompactionOwed::kSome : CompactionOwed::kNothing;
  }

  rocksdb::Status Run() {
    const rocksdb::Status status = MergeAll();
    return no_room_ ? rocksdb::Status::OK() : status;
  }

 private:
  using Files = std::vector<rocksdb::SstFileMetaData>;

  rocksdb::Status MergeAll() {
    while (files(0).size() >= kMostRuns) {
      rocksdb::Status status = MergeDown();
      if (!status.ok()) return status;
    }
    return MergeNeighbours();
  }

  void Look() { db_->GetColumnFamilyMetaData(rows_, &meta_); }
  // The files are in the order of their keys, except in level 0.
  const Files& files(size_t level) const { return meta_.levels[level].files; }
  uint64_t bytes(size_t level) const { return meta_.levels[level].size; }
  size_t last_level() const { return meta_.levels.size() - 1; }

  // Merges `inputs` into `to_level`. RocksDB adds the files that the inputs overlap in the levels down to there: about
  // as much, where levels are chosen by their sizes.
  rocksdb::Status Merge(const std::vector<std::string>& inputs, size_t to_level) {
    no_room_ = !has_room_(2 * BytesOf(inputs));
    if (no_room_) return rocksdb::Status::NoSpace();
    rocksdb::CompactionOptions options;
    options.compression = rocksdb::kDisableCompressionOption;  // The column family's own compression.
    options.output_file_size_limit = kRowFileBytes;
    rocksdb::Status status = db_->CompactFiles(options, rows_, inputs, static_cast<int>(to_level));
    Look();
    if (status.ok()) merged_();
    return status;
  }

  uint64_t BytesOf(const std::vector<std::string>& names) const {
    uint64_t bytes = 0;
    for (const rocksdb::LevelMetaData& level : meta_.levels) {
      for (const rocksdb::SstFileMetaData& file : level.files) {
        if (std::find(names.begin(), names.end(), file.relative_filename) != names.end()) bytes += file.size;
      }
    }
    return bytes;
  }

  // The oldest files of level 0. RocksDB lists the youngest first.
  Files OldestRuns() const {
    const size_t count = std::min(files(0).size(), kMostRunsAtOnce);
    return {files(0).end() - static_cast<std::ptrdiff_t>(count), files(0).end()};
  }

  // Merges the oldest runs, and all levels between them and `to_level`, into that.
  rocksdb::Status MergeAllAbove(size_t to_level) {
    std::vector<std::string> inputs;
    for (const rocksdb::SstFileMetaData& file : OldestRuns()) inputs.push_back(file.relative_filename);
    for (size_t level = 1; level < to_level; ++level) {
      for (const rocksdb::SstFileMetaData& file : files(level)) inputs.push_back(file.relative_filename);
    }
    return Merge(inputs, to_level);
  }

  // Merges runs of level 0 down to the last level for which that costs little, or which is empty.
  rocksdb::Status MergeDown() {
    size_t to_level = 1;
    uint64_t moving = 0;
    for (const rocksdb::SstFileMetaData& file : OldestRuns()) moving += file.size;
    for (; to_level < last_level(); ++to_level) {
      uint64_t together = moving + bytes(to_level);
      if (bytes(to_level + 1) > std::max(kMostTimesLarger * together, kRowFileBytes)) break;
      moving = together;
    }
    const bool needs_portions = moving > kPortionFiles * kRowFileBytes && !files(to_level).empty();
    if (!needs_portions || to_level == 1) return MergeAllAbove(to_level);
    rocksdb::Status status = MergeAllAbove(to_level - 1);
    while (status.ok() && !files(to_level - 1).empty()) {
      std::vector<std::string> portion;
      for (const rocksdb::SstFileMetaData& file : files(to_level - 1)) {
        portion.push_back(file.relative_filename);
        if (portion.size() == kPortionFiles) break;
      }
      status = Merge(portion, to_level);
    }
    return status;
  }

  // Neighbouring files of `level` that fit into one small file, as [begin, end) of files(level).
  struct Group {
    size_t level, begin, end;
  };
  std::vector<Group> SmallNeighbours() const {
    std::vector<Group> groups;
    for (size_t level = 1; level <= last_level(); ++level) {
      for (size_t begin = 0, end; begin < files(level).size(); begin = end) {
        uint64_t together = files(level)[begin].size;
        for (end = begin + 1; end < files(level).size(); ++end) {
          together += files(level)[end].size;
          if (together > kSmallBytes) break;
        }
        if (end - begin > 1) groups.push_back({level, begin, end});
      }
    }
    return groups;
  }

  // How many files less there would be.
  static size_t Superfluous(const std::vector<Group>& groups) {
    size_t superfluous = 0;
    for (const Group& group : groups) superfluous += group.end - group.begin - 1;
    return superfluous;
  }

  rocksdb::Status MergeNeighbours() {
    std::vector<Group> groups = SmallNeighbours();
    if (Superfluous(groups) < kMostSmallNeighbours) return rocksdb::Status::OK();
    const rocksdb::ColumnFamilyMetaData before = meta_;
    for (const Group& group : groups) {
      std::vector<std::string> inputs;
      for (size_t i = group.begin; i < group.end; ++i) {
        inputs.push_back(before.levels[group.level].files[i].relative_filename);
      }
      rocksdb::Status status = Merge(inputs, group.level);
      if (!status.ok()) return status;
    }
    return rocksdb::Status::OK();
  }

  rocksdb::DB* db_;
  rocksdb::ColumnFamilyHandle* rows_;
  const HasRoom has_room_;
  const std::function<void()> merged_;
  bool no_room_ = false;
  rocksdb::ColumnFamilyMetaData meta_;
};

}  // namespace

CompactionOwed CompactionOwedByRows(rocksdb::DB* db, rocksdb::ColumnFamilyHandle* rows) {
  return RowCompaction(db, rows, {}, {}).owed();
}

rocksdb::Status CompactRows(rocksdb::DB* db, rocksdb::ColumnFamilyHandle* rows, const HasRoom& has_room,
                            const std::function<void()>& merged) {
  return RowCompaction(db, rows, has_room, merged).Run();
}

}  // namespace rotv
