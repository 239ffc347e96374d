#include "storage/version_scan.h"

#include <utility>

#include "storage/corrupt.h"
#include "storage/error.h"
#include "storage/open_files.h"
#include "storage/rocksdb_status.h"
#include "storage/row_key.h"
#include "storage/view_path.h"

// Keys order by row, then from the newest version to the oldest, so one pass over all versions gives every row as it
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
        versions_(std::move(parts.versions)),
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

  Lines NextLines() override {
    if (repeat_ > 1 || !Step()) return {};
    stepped_ = true;
    if (!versions_.in_page() || versions_.commit_lsn() >= lsn_) return {};
    if (shape_ != 0 && !converter_.IsSame(versions_.version().shape)) return {};
    if (after_single_ && versions_.row() == prefix_) return {};  // There is a newer version of this row.
    const VersionIterator::Run run = versions_.TakeRun();
    stepped_ = after_single_ = false;
    repeat_ = 0;
    return {.text = run.lines, .rows = run.rows};
  }

  uint32_t Find(std::string_view row_key) override {
    prefix_ = table_prefix_;
    prefix_ += row_key;
    // Next() skips the remaining versions of this row.
    after_single_ = started_ = true;
    stepped_ = row_in_page_ = false;
    repeat_ = 0;
    std::string target = prefix_;
    AppendBigEndian64(~(lsn_.value() - 1), &target);  // Newer versions sort before it.
    versions_.Seek(target);
    if (!IsAtVersion() || versions_.row() != prefix_) {
      // That row is yet to come.
      stepped_ = true;
      return 0;
    }
    uint32_t count = Resolve() ? repeat_ : 0;
    repeat_ = 0;
    return count;
  }

  std::string_view line() const override { return line_; }
  std::string_view row_key() const override {
    return (row_in_page_ ? versions_.row() : std::string_view(prefix_)).substr(kTablePrefixSize);
  }

 private:
  // Goes to the next version of any row.
  bool Step() {
    if (!std::exchange(started_, true)) {
      versions_.SeekToFirst();
    } else if (!std::exchange(stepped_, false) && versions_.Valid()) {
      versions_.Next();
    }
    return IsAtVersion();
  }

  // An iterator that has met an error is at no entry. Its status costs as much as a step, so it is asked for only then.
  bool IsAtVersion() const {
    if (versions_.Valid()) return true;
    CheckIterator();
    return false;
  }

  void CheckIterator() const {
    rocksdb::Status status = versions_.status();
    if (status.ok()) return;
    if (IsForOpenFiles(status)) throw TooManyFiles("the store cannot be read");
    throw Error(ErrorCode::kCorrupt, WithoutViews("the store cannot be read: " + status.ToString()), kDamagedHint);
  }

  // True if the present version is the newest one before lsn_ of a row that was not seen yet. Notes the row. A row in a
  // page has no older version, and keys of such rows are looked at only where there may be a newer one.
  bool Visible() {
    if (versions_.commit_lsn() >= lsn_) return false;
    const bool may_be_known = after_single_;
    const bool in_page = versions_.in_page();
    if (in_page) after_single_ = false;
    if (may_be_known && versions_.row() == prefix_) return false;
    row_in_page_ = in_page;
    if (in_page) return true;
    prefix_.assign(versions_.row());
    after_single_ = true;
    return true;
  }

  // Completes the row of the present version; false if the row was deleted.
  bool Resolve() {
    RowVersion version = versions_.version();
    repeat_ = version.count;
    if (version.kind == RowVersion::Kind::kTombstone) return false;
    const uint32_t shape = version.shape;
    if (version.kind == RowVersion::Kind::kRow) {
      line_ = shape_ == 0 ? version.text : converter_.Convert(shape, version.text);
      return true;
    }
    filled_.assign(version.text);
    for (bool complete = false; !complete;) {
      if (!Step() || versions_.row() != prefix_) ThrowUnresolvable();
      RowVersion older = versions_.version();
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
  mutable VersionIterator versions_;  // Finds keys of rows when they are asked for.
  const Lsn lsn_;
  const ShapeMap& shapes_;
  const uint32_t shape_;
  ShapeConverter converter_;
  bool started_ = false;
  bool stepped_ = false;       // The present version was not looked at yet.
  std::string prefix_;         // The row of the last single version that was visible.
  bool after_single_ = false;  // No row in a page has come since then.
  bool row_in_page_ = false;   // The present row.
  std::string filled_;
  std::string_view line_;
  uint32_t repeat_ = 0;
};

}  // namespace

std::unique_ptr<RowScan> NewRowScan(RowScanParts parts) { return std::make_unique<VersionScan>(std::move(parts)); }

}  // namespace rotv
