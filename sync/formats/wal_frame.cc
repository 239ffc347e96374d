#include "sync/formats/wal_frame.h"

#include <fmt/format.h>

#include "storage/error.h"
#include "sync/formats/byte_reader.h"

namespace rotv::formats {
namespace {

void AppendBigEndian(uint64_t value, std::string* out) {
  for (int shift = 56; shift >= 0; shift -= 8) out->push_back(static_cast<char>(value >> shift & 0xFF));
}

}  // namespace

WalFrame DecodeWalFrame(std::string_view frame) {
  ByteReader reader(frame);
  char type = reader.Char();
  if (type == 'w') {
    XLogData data;
    data.start = reader.ReadLsn();
    data.server_end = reader.ReadLsn();
    reader.UnixTimeUs();  // The time of sending; nothing depends on it.
    data.payload = reader.Rest();
    return data;
  }
  if (type == 'k') {
    Keepalive keepalive;
    keepalive.server_end = reader.ReadLsn();
    reader.UnixTimeUs();
    keepalive.reply_requested = reader.Uint8() != 0;
    reader.Finish();
    return keepalive;
  }
  throw Error(ErrorCode::kProtocol,
              fmt::format("the source sent an unknown replication frame (type 0x{:02x})", static_cast<uint8_t>(type)));
}

std::string EncodeStandbyStatus(const StandbyStatus& status, int64_t now_us) {
  std::string frame;
  frame.reserve(34);
  frame.push_back('r');
  AppendBigEndian(status.received.value(), &frame);
  AppendBigEndian(status.flushed.value(), &frame);
  AppendBigEndian(status.flushed.value(), &frame);  // Applied: what is durable here is also visible here.
  AppendBigEndian(static_cast<uint64_t>(now_us) - ByteReader::kUnixTimeOfEpochUs, &frame);
  frame.push_back(status.request_reply ? 1 : 0);
  return frame;
}

}  // namespace rotv::formats
