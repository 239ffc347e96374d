// A segment as it was unpacked: rows stay as they are, which are nearly all of it. An object for each of them would
// cost more than all else that is done with a row.

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/remote.pb.h"
#include "storage/row_version.h"

namespace rotv::remote {

class UnpackedSegment {
 public:
  // Takes the bytes of a proto::Segment. Returns nullopt if they are none, or if all but the rows would take more
  // memory than `most`, or an eighth more than their size.
  static std::optional<UnpackedSegment> Of(std::string raw, size_t most);

  // All but the rows.
  const proto::Segment& descriptions() const { return descriptions_; }

  // Each is a proto::SegmentRows; they point into the segment.
  const std::vector<std::string_view>& rows() const { return rows_; }

 private:
  UnpackedSegment() = default;

  std::unique_ptr<const std::string> raw_;  // Its bytes stay where they are when the segment is moved.
  proto::Segment descriptions_;
  std::vector<std::string_view> rows_;
};

// A proto::SegmentRow. Key and text point into what was given.
struct SegmentRowView {
  std::string_view key;
  uint64_t commit_lsn = 0;
  RowVersion version;
};

// Reads the rows of one proto::SegmentRows, one after the other.
class SegmentRowsReader {
 public:
  // Throws kCorrupt if the bytes are none.
  explicit SegmentRowsReader(std::string_view bytes);

  TableId table() const { return table_; }
  EpochNumber epoch() const { return epoch_; }

  // Returns false at the end. Throws kCorrupt if the row is none.
  bool Next(SegmentRowView* row);

 private:
  std::string_view left_;
  TableId table_ = 0;
  EpochNumber epoch_ = 0;
};

}  // namespace rotv::remote
