// A replication frame is decoded whole or refused, and encoding what was read gives the same bytes; what the receiver
// sends reads back.

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "sync/formats/byte_reader.h"
#include "sync/formats/pgoutput.h"
#include "sync/formats/wal_frame.h"
#include "tests/fuzz/fuzz_check.h"
#include "tests/fuzz/fuzz_target.h"

namespace rotv::formats {
namespace {

constexpr size_t kTimeBytes = 8;

void AppendNumber(uint64_t value, std::string* out) {
  for (int shift = 56; shift >= 0; shift -= 8) out->push_back(static_cast<char>(value >> shift));
}

void CheckEncodedAgain(const WalFrame& frame, std::string_view bytes) {
  std::string again;
  if (const auto* data = std::get_if<XLogData>(&frame)) {
    again.push_back('w');
    AppendNumber(data->start.value(), &again);
    AppendNumber(data->server_end.value(), &again);
    again += bytes.substr(again.size(), kTimeBytes);  // Nothing reads it.
    FuzzCheck(data->payload.data() == bytes.data() + again.size());
    again += data->payload;
  } else {
    const Keepalive& keepalive = std::get<Keepalive>(frame);
    again.push_back('k');
    AppendNumber(keepalive.server_end.value(), &again);
    again += bytes.substr(again.size(), kTimeBytes);
    FuzzCheck(bytes.size() == again.size() + 1 && keepalive.reply_requested == (bytes.back() != '\0'));
    again.push_back(bytes.back());
  }
  FuzzCheck(again == bytes);
}

void CheckStatus(std::string_view bytes) {
  FuzzInput input(bytes);
  const auto number = [&] {
    uint64_t value = 0;
    for (int i = 0; i < 8; ++i) value = value << 8 | input.Byte();
    return value;
  };
  const StandbyStatus status{
      .received = Lsn(number()), .flushed = Lsn(number()), .request_reply = (input.Byte() & 1) != 0};
  // A time before 2000 has no meaning there, and one beyond 64 bits of microseconds none anywhere.
  const auto now_us = static_cast<int64_t>(number() >> 2);
  const std::string sent = EncodeStandbyStatus(status, now_us);
  ByteReader reader(sent);
  FuzzCheck(reader.Char() == 'r');
  FuzzCheck(reader.ReadLsn() == status.received);
  FuzzCheck(reader.ReadLsn() == status.flushed);
  FuzzCheck(reader.ReadLsn() == status.flushed);
  FuzzCheck(reader.UnixTimeUs() == now_us);
  FuzzCheck(reader.Uint8() == (status.request_reply ? 1 : 0));
  reader.Finish();
}

void CheckFrame(std::string_view bytes) {
  CheckStatus(bytes);
  AcceptedOr(ErrorCode::kProtocol, [&] {
    const WalFrame frame = DecodeWalFrame(bytes);
    CheckEncodedAgain(frame, bytes);
    if (const auto* data = std::get_if<XLogData>(&frame)) (void)pgoutput::Decode(data->payload);
  });
}

}  // namespace
}  // namespace rotv::formats

ROTV_FUZZ_TARGET(wal_frame, rotv::formats::CheckFrame)
