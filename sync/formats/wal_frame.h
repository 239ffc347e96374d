// The frames inside a replication connection's CopyBoth stream. Pure: no I/O.
// Format: PostgreSQL manual, "Streaming Replication Protocol".

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "storage/lsn.h"

namespace rotv::formats {

struct XLogData {
  Lsn start;
  Lsn server_end;            // The end of the server's log when it sent this.
  std::string_view payload;  // One message of the output plugin; points into the frame.
};
struct Keepalive {
  Lsn server_end;
  bool reply_requested = false;
};
using WalFrame = std::variant<XLogData, Keepalive>;

// Throws Error(kProtocol) if `frame` is neither, or has not the length it should.
WalFrame DecodeWalFrame(std::string_view frame);

struct StandbyStatus {
  Lsn received;
  Lsn flushed;  // What is acknowledged: the server may forget everything before.
  bool request_reply = false;
};
// A standby status update, sent by the receiver. `now_us` is Unix time.
std::string EncodeStandbyStatus(const StandbyStatus& status, int64_t now_us);

}  // namespace rotv::formats
