#include "storage/version_scan.h"

#include "storage/corrupt.h"
#include "storage/error.h"
#include "storage/open_files.h"
#include "storage/rocksdb_slice.h"
#include "storage/rocksdb_status.h"
#include "storage/row_key.h"
#include "storage/view_path.h"

// Keys order by row, then from the newest version to the oldest, so one pass over the iterator gives every row as it
// was at lsn_: of each row the first version before lsn_ counts, and its others are skipped. A partial version takes
// the fields that it lacks from the versions that follow it, which are the next older ones.
//
// Invariant: a row is complete before a tombstone, the next row or the end is reached. Anything else is damage, and
// throws. The cost grows with the number of versions, not of rows; gc is what bounds it.

namespace rotv {
namespace {

class VersionScan : public RowScan {
 public:
  explicit VersionScan(RowScanParts parts)
      : table_prefix_(std::move(parts.table_prefix)),
        bounds_(std::move(parts.bounds)),
        iterator_(std::move(parts.iterator)),
        lsn_(parts.lsn),
        shapes_(parts.shapes),
        shape_(parts.shape),
        converter_(parts.shapes, parts.shape) {}

  bool Next() override {
    if (repeat_ > 1) {
      --repeat_;
      return true;
    }
    while (Step()) {
      if (Visible() && Resolve()) return true;
    }
    return false;
  }

  uint32_t Find(std::string_view row_key) override {
    prefix_ = table_prefix_;
    prefix_ += row_key;
    seen_ = started_ = true;  // Next() skips the remaining versions of this row.
    repeat_ = 0;
    std::string target = prefix_;
    AppendBigEndian64(~(lsn_.value() - 1), &target);  // Newer versions sort before it.
    iterator_->Seek(target);
    if (!IsAtVersion() || View(iterator_->key()).substr(0, prefix_.size()) != prefix_) return 0;
    uint32_t count = Resolve() ? repeat_ : 0;
    repeat_ = 0;
    return count;
  }

  std::string_view line() const override { return line_; }
  std::string_view row_key() const override { return std::string_view(prefix_).substr(kTablePrefixSize); }

 private:
  // Goes to the next version of any row.
  bool Step() {
    if (started_) {
      iterator_->Next();
    } else {
      iterator_->SeekToFirst();  // The iterator's lower bound is the begin of the range.
      started_ = true;
    }
    return IsAtVersion();
  }

  // An iterator that has met an error is at no entry. Its status costs as much as a step, so it is asked for only then.
  bool IsAtVersion() const {
    if (iterator_->Valid()) return true;
    CheckIterator();
    return false;
  }

  void CheckIterator() const {
    rocksdb::Status status = iterator_->status();
    if (status.ok()) return;
    if (IsForOpenFiles(status)) throw TooManyFiles("the store cannot be read");
    throw Error(ErrorCode::kCorrupt, WithoutViews("the store cannot be read: " + status.ToString()), kDamagedHint);
  }

  // True if the present version is the newest one before lsn_ of a row that was not seen yet. Notes the row.
  bool Visible() {
    std::string_view key = View(iterator_->key());
    std::string_view prefix = key.substr(0, key.size() - kLsnSuffixSize);
    if (seen_ && prefix == prefix_) return false;
    if (Lsn(~ReadBigEndian64(key.data() + prefix.size())) >= lsn_) return false;
    prefix_.assign(prefix);
    seen_ = true;
    return true;
  }

  // Completes the row of the present version; false if the row was deleted.
  bool Resolve() {
    RowVersion version = DecodeRowVersion(View(iterator_->value()));
    repeat_ = version.count;
    if (version.kind == RowVersion::Kind::kTombstone) return false;
    const uint32_t shape = version.shape;
    if (version.kind == RowVersion::Kind::kRow) {
      line_ = shape_ == 0 ? version.text : converter_.Convert(shape, version.text);
      return true;
    }
    filled_.assign(version.text);
    for (bool complete = false; !complete;) {
      if (!Step() || View(iterator_->key()).substr(0, prefix_.size()) != prefix_) ThrowUnresolvable();
      RowVersion older = DecodeRowVersion(View(iterator_->value()));
      if (older.kind == RowVersion::Kind::kTombstone) ThrowUnresolvable();
      complete = shapes_.FillUnchanged(shape, &filled_, older);
    }
    line_ = shape_ == 0 ? std::string_view(filled_) : converter_.Convert(shape, filled_);
    return true;
  }

  [[noreturn]] static void ThrowUnresolvable() {
    throw Error(ErrorCode::kCorrupt, "the store lacks the older version of a row",
                "take a new baseline: rotv-sync baseline --force");
  }

  const std::string table_prefix_;
  std::shared_ptr<const void> bounds_;
  std::unique_ptr<rocksdb::Iterator> iterator_;
  const Lsn lsn_;
  const ShapeMap& shapes_;
  const uint32_t shape_;
  ShapeConverter converter_;
  bool started_ = false;
  bool seen_ = false;
  std::string prefix_;
  std::string filled_;
  std::string_view line_;
  uint32_t repeat_ = 0;
};

}  // namespace

std::unique_ptr<RowScan> NewRowScan(RowScanParts parts) { return std::make_unique<VersionScan>(std::move(parts)); }

}  // namespace rotv
