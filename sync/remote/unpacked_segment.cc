#include "sync/remote/unpacked_segment.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>

#include <algorithm>
#include <climits>

#include "storage/error.h"
#include "storage/parse_message.h"
#include "storage/varint.h"
#include "sync/formats/parsed_size.h"

// Rows are read as protobuf's own parser reads them: fields in any order, the last of two with one number, fields that
// are not known passed over.

namespace rotv::remote {
namespace {

using google::protobuf::internal::WireFormatLite;

// One field of a message.
struct Field {
  int number = 0;
  int wire_type = 0;
  uint64_t value = 0;          // Of a number.
  std::string_view content;    // Of what has a length.
  std::string_view all_bytes;  // Its tag too.

  bool IsNumber() const { return wire_type == WireFormatLite::WIRETYPE_VARINT; }
  bool IsContent() const { return wire_type == WireFormatLite::WIRETYPE_LENGTH_DELIMITED; }
};

// Returns nullopt if no field begins here.
std::optional<Field> TakeField(std::string_view* bytes) {
  const char* begin = bytes->data();
  const std::optional<uint64_t> tag = TakeVarint(bytes);
  if (!tag || *tag > UINT32_MAX || (*tag >> 3) == 0) return std::nullopt;
  Field field{.number = static_cast<int>(*tag >> 3), .wire_type = static_cast<int>(*tag & 7)};
  uint64_t size = 0;
  if (field.IsNumber()) {
    const std::optional<uint64_t> value = TakeVarint(bytes);
    if (!value) return std::nullopt;
    field.value = *value;
  } else if (field.IsContent()) {
    const std::optional<uint64_t> length = TakeVarint(bytes);
    if (!length) return std::nullopt;
    size = *length;
  } else if (field.wire_type == WireFormatLite::WIRETYPE_FIXED64) {
    size = sizeof(uint64_t);
  } else if (field.wire_type == WireFormatLite::WIRETYPE_FIXED32) {
    size = sizeof(uint32_t);
  } else {
    return std::nullopt;  // Groups are no more.
  }
  if (size > bytes->size()) return std::nullopt;
  field.content = bytes->substr(0, size);
  bytes->remove_prefix(size);
  field.all_bytes = std::string_view(begin, static_cast<size_t>(bytes->data() - begin));
  return field;
}

Field MustTakeField(std::string_view* bytes) {
  const std::optional<Field> field = TakeField(bytes);
  if (!field) throw Error(ErrorCode::kCorrupt, "rows that cannot be understood");
  return *field;
}

RowVersion::Kind KindOf(uint64_t kind) {
  switch (kind) {
    case proto::SEGMENT_ROW:
      return RowVersion::Kind::kRow;
    case proto::SEGMENT_PARTIAL_ROW:
      return RowVersion::Kind::kPartial;
    case proto::SEGMENT_DELETED_ROW:
      return RowVersion::Kind::kTombstone;
    default:
      throw Error(ErrorCode::kCorrupt, "a row of an unknown kind");
  }
}

SegmentRowView RowOf(std::string_view bytes) {
  using Row = proto::SegmentRow;
  SegmentRowView row;
  uint64_t kind = proto::SEGMENT_ROW;
  while (!bytes.empty()) {
    const Field field = MustTakeField(&bytes);
    if (field.number == Row::kKeyFieldNumber && field.IsContent()) row.key = field.content;
    if (field.number == Row::kLineFieldNumber && field.IsContent()) row.version.text = field.content;
    if (!field.IsNumber()) continue;
    if (field.number == Row::kCommitLsnFieldNumber) row.commit_lsn = field.value;
    if (field.number == Row::kKindFieldNumber) kind = field.value;
    if (field.number == Row::kShapeFieldNumber) row.version.shape = static_cast<uint32_t>(field.value);
    if (field.number == Row::kCountFieldNumber) row.version.count = static_cast<uint32_t>(field.value);
  }
  row.version.kind = KindOf(kind);
  if (row.version.count == 0) row.version.count = 1;  // As it is written.
  return row;
}

}  // namespace

std::optional<UnpackedSegment> UnpackedSegment::Of(std::string raw, size_t most) {
  UnpackedSegment segment;
  segment.raw_ = std::make_unique<const std::string>(std::move(raw));
  std::string descriptions;
  for (std::string_view left = *segment.raw_; !left.empty();) {
    const std::optional<Field> field = TakeField(&left);
    if (!field) return std::nullopt;
    if (field->number == proto::Segment::kRowsFieldNumber && field->IsContent()) {
      segment.rows_.push_back(field->content);
      // Two bytes may be a list of rows, for which a place of sixteen is kept.
      if (segment.rows_.size() * sizeof(std::string_view) > most) return std::nullopt;
    } else {
      descriptions += field->all_bytes;
    }
  }
  // A large text takes what it is long; many small ones several times that.
  const size_t limit = std::max(most, descriptions.size() + descriptions.size() / 8);
  if (!formats::FitsWhenParsed(*proto::Segment::descriptor(), descriptions, limit)) return std::nullopt;
  if (!ParseMessage(descriptions, &segment.descriptions_)) return std::nullopt;
  return segment;
}

SegmentRowsReader::SegmentRowsReader(std::string_view bytes) : left_(bytes) {
  // They come before the rows, but need not.
  while (!bytes.empty()) {
    const Field field = MustTakeField(&bytes);
    if (!field.IsNumber()) continue;
    if (field.number == proto::SegmentRows::kTableFieldNumber) table_ = static_cast<TableId>(field.value);
    if (field.number == proto::SegmentRows::kEpochFieldNumber) epoch_ = static_cast<EpochNumber>(field.value);
  }
}

bool SegmentRowsReader::Next(SegmentRowView* row) {
  while (!left_.empty()) {
    const Field field = MustTakeField(&left_);
    if (field.number != proto::SegmentRows::kRowsFieldNumber || !field.IsContent()) continue;
    *row = RowOf(field.content);
    return true;
  }
  return false;
}

}  // namespace rotv::remote
