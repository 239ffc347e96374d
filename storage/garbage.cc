#include "storage/garbage.h"

#include <algorithm>
#include <optional>

#include "storage/row_key.h"

// Garbage collection is one pass over all versions that writes a RocksDB deletion for each version that no retained
// state needs (RowSieve decides, from the newest version of a row to the oldest), and then a compaction of the key
// ranges in which there were any.
//
// Invariant: each single deletion is harmless, so a kill or a full disk in between leaves a store in which every
// retained state can still be read, and the next run completes the work. A tombstone that is dropped because the row
// that it hides is dropped goes after that, which for a row in a page is once the page was replaced (page_sieve.cc).
// Cost: one read of all rows; only ranges with deletions are written again, and pages with rows that are dropped.
//
// Two alternatives were refused. A compaction filter sees neither all versions of a row at once nor in one call, so it
// cannot tell whether an older version still completes a partial one. A new store beside the old one needs the size of
// the store once more.

namespace rotv {
namespace {

constexpr size_t kBatchBytes = size_t{4} << 20;
constexpr uint64_t kVersionsBetweenLooks = 4096;

void AddToSpans(const std::string& key, std::vector<KeySpan>* spans) {
  if (spans->empty() || spans->back().first.compare(0, kTablePrefixSize, key, 0, kTablePrefixSize) != 0) {
    spans->emplace_back(key, key);
  }
  spans->back().first = std::min(spans->back().first, key);  // The versions of one row come in no order.
  spans->back().second = std::max(spans->back().second, key);
}

// Deletes versions in batches, and notes the key ranges in which they were.
class Deletions {
 public:
  Deletions(rocksdb::DB* db, rocksdb::ColumnFamilyHandle* rows) : db_(db), rows_(rows) {}

  void Delete(std::string_view row_prefix, Lsn lsn) {
    std::string key(row_prefix);
    AppendBigEndian64(~lsn.value(), &key);
    batch_.Delete(rows_, key);
    ++count_;
    AddToSpans(key, &spans_);
    if (batch_.GetDataSize() > kBatchBytes) Write();
  }

  rocksdb::Status Finish() {
    Write();
    return status_;
  }
  bool ok() const { return status_.ok(); }
  uint64_t count() const { return count_; }
  std::vector<KeySpan>& spans() { return spans_; }

 private:
  void Write() {
    if (status_.ok()) status_ = db_->Write(rocksdb::WriteOptions(), &batch_);
    batch_.Clear();
  }

  rocksdb::DB* db_;
  rocksdb::ColumnFamilyHandle* rows_;
  rocksdb::WriteBatch batch_;
  rocksdb::Status status_;
  uint64_t count_ = 0;
  std::vector<KeySpan> spans_;
};

}  // namespace

void ForgetEpochs(const Retention& retention, const std::set<TableId>& tables, proto::Manifest* manifest) {
  for (proto::TableHistory& history : *manifest->mutable_tables()) {
    const bool alive = tables.count(history.table()) > 0;
    proto::TableHistory kept = history;
    kept.clear_epochs();
    for (int i = 0; i < history.epochs_size(); ++i) {
      const proto::Epoch& epoch = history.epochs(i);
      // If two epochs start at the same LSN, the first one serves no state.
      Lsn end = i + 1 < history.epochs_size() ? Lsn(history.epochs(i + 1).start_lsn()) : Lsn(UINT64_MAX);
      if (alive && retention.NeedsAny(Lsn(epoch.start_lsn()), end)) {
        *kept.add_epochs() = epoch;
        continue;
      }
      proto::DroppedEpoch* dropped = manifest->add_dropping();
      dropped->set_table(history.table());
      dropped->set_epoch(epoch.number());
    }
    history = kept;
  }
  auto* gaps = manifest->mutable_gaps();
  gaps->erase(std::remove_if(gaps->begin(), gaps->end(),
                             [&](const proto::Gap& gap) { return Lsn(gap.before_lsn()) <= retention.keep_from(); }),
              gaps->end());
}

std::vector<Lsn> Unneeded(const Retention& retention, const std::vector<Lsn>& keys, Valid valid) {
  std::vector<Lsn> unneeded;
  for (size_t i = 0; i < keys.size(); ++i) {
    Lsn after, to;
    if (valid == Valid::kFromKey) {
      after = Lsn(keys[i].value() - 1);
      to = i + 1 < keys.size() ? Lsn(keys[i + 1].value() - 1) : Lsn(UINT64_MAX);
    } else {
      after = i > 0 ? keys[i - 1] : Lsn();
      to = i + 1 < keys.size() ? keys[i] : Lsn(UINT64_MAX);  // The last one also serves all later states.
    }
    if (!retention.NeedsAny(after, to)) unneeded.push_back(keys[i]);
  }
  return unneeded;
}

rocksdb::Status DropVersions(const DropRequest& request, Dropped* dropped) {
  Deletions deletions(request.db, request.rows);
  PageSieve pages([&](const std::vector<Page>& replaced) {
    if (!request.replace_pages(replaced)) return false;
    for (const Page& page : replaced) AddToSpans(page.key, &dropped->pages);
    return true;
  });
  std::string row;
  std::optional<Lsn> in_page;  // The row's version in a page, which is its oldest.
  bool gone_in_page = false;
  RowSieve sieve(request.retention, [&](Lsn lsn) {
    if (in_page == lsn) {
      pages.Drop();
      gone_in_page = true;
    } else if (gone_in_page) {
      // A version that hides it.
      pages.OnceGone([&deletions, row, lsn] { deletions.Delete(row, lsn); });
    } else {
      deletions.Delete(row, lsn);
    }
  });
  VersionIterator& versions = request.versions;
  for (versions.SeekToFirst(); versions.Valid() && deletions.ok(); versions.Next()) {
    if (++dropped->seen % kVersionsBetweenLooks == 0) request.look(dropped->seen);
    if (versions.row() != row) {
      sieve.EndRow();
      row = versions.row();
      in_page.reset();
      gone_in_page = false;
    }
    if (versions.in_page() || versions.replaces_in_page()) {
      pages.Add(versions.page_key(), versions.page_value(), versions.row_of_page());
    }
    if (versions.in_page()) in_page = versions.commit_lsn();
    if (versions.replaces_in_page()) {
      pages.Drop();
      gone_in_page = true;
    }
    sieve.Add(versions.commit_lsn(), versions.version().kind);
  }
  sieve.EndRow();
  if (!versions.status().ok()) return versions.status();
  pages.Finish();
  rocksdb::Status status = deletions.Finish();
  dropped->versions = deletions.count() + pages.dropped();
  dropped->rows = std::move(deletions.spans());
  return status;
}

rocksdb::Status CompactSpans(rocksdb::DB* db, rocksdb::ColumnFamilyHandle* rows, const std::vector<KeySpan>& spans,
                             const std::function<void()>& look) {
  rocksdb::CompactRangeOptions options;
  options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForceOptimized;
  for (const auto& [first, last] : spans) {
    look();
    rocksdb::Slice begin(first), end(last);
    rocksdb::Status status = db->CompactRange(options, rows, &begin, &end);
    if (!status.ok()) return status;
  }
  return rocksdb::Status::OK();
}

}  // namespace rotv
