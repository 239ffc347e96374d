#include "sync/remote/row_intake.h"

#include <fmt/format.h>

#include <utility>

#include "storage/error.h"

namespace rotv::remote {
namespace {

constexpr size_t kBufferBytes = size_t{8} << 20;
// The rows of an object follow those of the one before, which another thread may have: runs of both, kept apart, do not
// overlap. For a few rows a run of their own would not be worth it.
constexpr size_t kRunBytes = size_t{1} << 20;

constexpr const char* kHint = "nothing of it was taken; have it published again by the machine that follows the source";

}  // namespace

void ThrowUnfit(std::string_view what) {
  throw Error(ErrorCode::kCorrupt, fmt::format("the published history has {}", what), kHint);
}

void RowIntake::Take(const UnpackedSegment& segment, const RowBounds& bounds) {
  if (check_ != bounds.check) {
    check_ = bounds.check;
    memory_ = {};
  }
  for (const std::string_view rows : segment.rows()) {
    TakeTable(rows, bounds);
    if (buffer_ && buffer_->bytes() >= kBufferBytes) Flush();
  }
  if (!buffer_) return;
  buffer_->EndPage();  // Another thread may have the rows that follow.
  if (buffer_->bytes() >= kRunBytes) Flush();
}

void RowIntake::TakeTable(std::string_view bytes, const RowBounds& bounds) {
  try {
    SegmentRowsReader rows(bytes);
    // gc may have forgotten the epoch there since these rows were published.
    const auto epoch = epochs_.find({rows.table(), rows.epoch()});
    if (epoch == epochs_.end()) return;
    if (!buffer_) buffer_ = std::make_unique<PageBuffer>();
    for (SegmentRowView row; rows.Next(&row);) {
      const VersionKey key{
          .table = rows.table(), .epoch = rows.epoch(), .row_key = row.key, .commit_lsn = Lsn(row.commit_lsn)};
      if (key.commit_lsn >= bounds.end) throw Error(ErrorCode::kCorrupt, "rows of later than its end");
      if (key.commit_lsn < bounds.begin) throw Error(ErrorCode::kCorrupt, "rows of before its beginning");
      if (key.commit_lsn < epoch->second) throw Error(ErrorCode::kCorrupt, "rows of before their epoch");
      if (key.commit_lsn < bounds.from) continue;  // It is visible already, and must not change.
      bounds.check->Version(key, row.version, &memory_);
      buffer_->Put(key, row.version, PlaceOf(key, epoch->second));
      ++versions_;
    }
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kCorrupt && error.code() != ErrorCode::kProtocol) throw;
    throw Error(ErrorCode::kCorrupt, fmt::format("the published history is damaged: {}", error.what()), kHint);
  }
}

// The rows that were copied come in one step, in the order of their keys. Where they do not, they are in no page.
PageBuffer::Place RowIntake::PlaceOf(const VersionKey& key, Lsn epoch_start) {
  if (key.commit_lsn != epoch_start) return PageBuffer::Place::kSingle;
  std::string row = EncodeRowPrefix(key.table, key.epoch, key.row_key);
  if (row == last_in_page_) ThrowUnfit("one row twice");
  if (row < last_in_page_) return PageBuffer::Place::kSingle;
  last_in_page_ = std::move(row);
  return PageBuffer::Place::kPage;
}

void RowIntake::Flush() {
  if (!buffer_) return;
  const std::unique_ptr<PageBuffer> rows = std::move(buffer_);
  rows->EndPage();
  last_in_page_.clear();
  if (store_.WritePages(*rows)) ThrowUnfit("one row twice");
}

}  // namespace rotv::remote
