#include "sync/formats/wal_frame.h"

#include <gtest/gtest.h>

#include <string>

#include "storage/error.h"

namespace rotv {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view kXLogData =
    "w"
    "\0\0\0\x16\xb3\x74\xd8\x48"
    "\0\0\0\x17\0\0\0\x10"
    "\0\x03\x03\xf3\x2d\x9d\xfb\x4a"
    "payload"sv;
constexpr size_t kXLogDataHeaderSize = 25;
constexpr std::string_view kKeepalive =
    "k"
    "\0\0\0\x17\0\0\0\x10"
    "\0\x03\x03\xf3\x2d\x9d\xfb\x4a"
    "\x01"sv;

void ExpectProtocolError(std::string_view frame) {
  try {
    formats::DecodeWalFrame(frame);
    ADD_FAILURE() << "decoded " << testing::PrintToString(frame);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kProtocol);
  }
}

TEST(WalFrameTest, XLogDataCarriesAMessage) {
  formats::XLogData data = std::get<formats::XLogData>(formats::DecodeWalFrame(kXLogData));
  EXPECT_EQ(data.start.ToString(), "16/B374D848");
  EXPECT_EQ(data.server_end.ToString(), "17/10");
  EXPECT_EQ(data.payload, "payload");
  EXPECT_EQ(data.payload.data(), kXLogData.data() + kXLogDataHeaderSize);
}

TEST(WalFrameTest, KeepaliveSaysIfAReplyIsRequested) {
  formats::Keepalive keepalive = std::get<formats::Keepalive>(formats::DecodeWalFrame(kKeepalive));
  EXPECT_EQ(keepalive.server_end.ToString(), "17/10");
  EXPECT_TRUE(keepalive.reply_requested);
  std::string quiet(kKeepalive);
  quiet.back() = 0;
  EXPECT_FALSE(std::get<formats::Keepalive>(formats::DecodeWalFrame(quiet)).reply_requested);
}

TEST(WalFrameTest, FrameOfTheWrongLengthIsAProtocolError) {
  for (size_t size = 0; size < kXLogDataHeaderSize; ++size) ExpectProtocolError(kXLogData.substr(0, size));
  for (size_t size = 0; size < kKeepalive.size(); ++size) ExpectProtocolError(kKeepalive.substr(0, size));
  ExpectProtocolError(std::string(kKeepalive) + "x");
}

TEST(WalFrameTest, UnknownFrameIsAProtocolError) {
  ExpectProtocolError("x" + std::string(kXLogData.substr(1)));
  ExpectProtocolError("W" + std::string(kXLogData.substr(1)));
}

TEST(WalFrameTest, StandbyStatusMatchesTheManual) {
  formats::StandbyStatus status;
  status.received = *Lsn::Parse("16/B374D848");
  status.flushed = *Lsn::Parse("16/A0000000");
  EXPECT_EQ(formats::EncodeStandbyStatus(status, 946'684'800'000'001),
            "r\0\0\0\x16\xb3\x74\xd8\x48\0\0\0\x16\xa0\0\0\0\0\0\0\x16\xa0\0\0\0\0\0\0\0\0\0\0\x01\0"sv);
  status.request_reply = true;
  std::string frame = formats::EncodeStandbyStatus(status, 0);
  EXPECT_EQ(frame.size(), 34u);
  EXPECT_EQ(frame.back(), 1);
}

}  // namespace
}  // namespace rotv
