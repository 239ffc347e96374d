#include "sync/remote/unpacked_segment.h"

#include <gtest/gtest.h>

#include <random>

#include "storage/error.h"

namespace rotv::remote {
namespace {

constexpr size_t kPlenty = size_t{1} << 20;

// Takes a segment apart and puts it together again; nullopt if it is refused.
std::optional<proto::Segment> ReadAll(const std::string& bytes) {
  const std::optional<UnpackedSegment> unpacked = UnpackedSegment::Of(bytes, kPlenty);
  if (!unpacked) return std::nullopt;
  proto::Segment segment = unpacked->descriptions();
  try {
    for (const std::string_view part : unpacked->rows()) {
      SegmentRowsReader reader(part);
      proto::SegmentRows* rows = segment.add_rows();
      rows->set_table(reader.table());
      rows->set_epoch(reader.epoch());
      for (SegmentRowView view; reader.Next(&view);) {
        proto::SegmentRow* row = rows->add_rows();
        row->set_key(std::string(view.key));
        row->set_commit_lsn(view.commit_lsn);
        row->set_shape(view.version.shape);
        row->set_count(view.version.count);
        row->set_line(std::string(view.version.text));
        row->set_kind(view.version.kind == RowVersion::Kind::kRow       ? proto::SEGMENT_ROW
                      : view.version.kind == RowVersion::Kind::kPartial ? proto::SEGMENT_PARTIAL_ROW
                                                                        : proto::SEGMENT_DELETED_ROW);
      }
    }
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kCorrupt);
    return std::nullopt;
  }
  return segment;
}

// As protobuf's own parser has it, with what a count of 0 means.
std::optional<proto::Segment> Parsed(const std::string& bytes) {
  proto::Segment segment;
  if (!segment.ParseFromString(bytes)) return std::nullopt;
  segment.DiscardUnknownFields();
  for (proto::SegmentRows& rows : *segment.mutable_rows()) {
    for (proto::SegmentRow& row : *rows.mutable_rows()) {
      if (row.count() == 0) row.set_count(1);
      if (!proto::SegmentRowKind_IsValid(row.kind())) return std::nullopt;
    }
  }
  return segment;
}

void ExpectAsParsed(const std::string& bytes) {
  std::optional<proto::Segment> read = ReadAll(bytes);
  const std::optional<proto::Segment> parsed = Parsed(bytes);
  ASSERT_EQ(read.has_value(), parsed.has_value());
  if (!read) return;
  read->DiscardUnknownFields();
  EXPECT_EQ(read->SerializeAsString(), parsed->SerializeAsString());
}

proto::Segment SomeSegment() {
  proto::Segment segment;
  segment.add_shapes()->set_id(3);
  segment.add_transactions()->set_commit_lsn(0x1234567890);
  segment.set_salt(5);
  for (uint32_t table = 1; table < 3; ++table) {
    proto::SegmentRows* rows = segment.add_rows();
    rows->set_table(table);
    rows->set_epoch(300);
    for (int i = 0; i < 3; ++i) {
      proto::SegmentRow* row = rows->add_rows();
      row->set_key("key" + std::to_string(i));
      row->set_commit_lsn(UINT64_MAX - static_cast<uint64_t>(i));
      row->set_kind(static_cast<proto::SegmentRowKind>(i));
      row->set_shape(200);
      row->set_count(static_cast<uint32_t>(i) * 1000);
      row->set_line(std::string(static_cast<size_t>(i) * 100, 'x'));
    }
  }
  return segment;
}

TEST(UnpackedSegmentTest, HasWhatProtobufReads) { ExpectAsParsed(SomeSegment().SerializeAsString()); }

TEST(UnpackedSegmentTest, FieldsMayComeInAnyOrderTwiceAndUnknown) {
  const std::string row =
      "\x32\x01z"
      "\x0A\x01k"
      "\x32\x01l"
      "\x10\x07" +
      std::string("\x28\x00", 2);  // Two lines, of which the last one counts; and a count of 0, which means 1.
  const std::string unknown =
      "\x7A\x02??"
      "\x78\x05"
      "\x7D"
      "abcd"
      "\x79"
      "abcdefgh";
  const std::string rows = "\x1A" + std::string(1, static_cast<char>((row + unknown).size())) + row + unknown +
                           "\x10\x04" + unknown +
                           "\x08\x02"
                           "\x08\x03";
  const std::string segment = unknown + "\x2A" + std::string(1, static_cast<char>(rows.size())) + rows + "\x30\x01";
  const std::optional<proto::Segment> read = ReadAll(segment);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->rows(0).table(), 3U);
  EXPECT_EQ(read->rows(0).epoch(), 4U);
  EXPECT_EQ(read->rows(0).rows(0).line(), "l");
  EXPECT_EQ(read->rows(0).rows(0).count(), 1U);
  ExpectAsParsed(segment);
}

// No read is outside of the bytes (the sanitizers say so), and what is taken is what protobuf takes.
TEST(UnpackedSegmentTest, WhatIsCutOrChangedIsRefusedOrReadAsProtobufDoes) {
  const std::string bytes = SomeSegment().SerializeAsString();
  for (size_t i = 0; i < bytes.size(); ++i) ExpectAsParsed(bytes.substr(0, i));
  std::mt19937 random(1);
  for (int i = 0; i < 3000; ++i) {
    std::string changed = bytes;
    changed[random() % changed.size()] = static_cast<char>(random());
    const std::optional<proto::Segment> read = ReadAll(changed), parsed = Parsed(changed);
    if (!read) continue;  // Protobuf takes more: groups, which nobody writes.
    ASSERT_TRUE(parsed) << i;
    EXPECT_EQ(read->rows_size(), parsed->rows_size());
  }
}

TEST(UnpackedSegmentTest, ManySmallDescriptionsAreRefused) {
  proto::Segment segment;
  for (int i = 0; i < 100'000; ++i) segment.add_shapes();
  EXPECT_FALSE(UnpackedSegment::Of(segment.SerializeAsString(), kPlenty));
  EXPECT_TRUE(UnpackedSegment::Of(segment.SerializeAsString(), 100 * kPlenty));
  proto::Segment empty_rows;
  for (size_t i = 0; i < kPlenty / 8; ++i) empty_rows.add_rows();
  EXPECT_FALSE(UnpackedSegment::Of(empty_rows.SerializeAsString(), kPlenty));
}

}  // namespace
}  // namespace rotv::remote
