// Decodes and encodes the frames inside a replication connection's CopyBoth stream. Pure: no I/O.
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
  Lsn server_end;            // The end of the server's WAL when it sent this.
  std::string_view payload;  // One message of the output plugin; points into the frame.
};
struct Keepalive {
  Lsn server_end;
  bool reply_requested = false;
};
using WalFrame = std::variant<XLogData, Keepalive>;

// Throws Error(kProtocol) if `frame` is neither, or has the wrong length.
WalFrame DecodeWalFrame(std::string_view frame);

struct StandbyStatus {
  Lsn received;
  Lsn flushed;  // The acknowledged position: the server may drop all WAL before it.
  bool request_reply = false;
};
// Encodes a standby status update, which the receiver sends. `now_us` is Unix time.
std::string EncodeStandbyStatus(const StandbyStatus& status, int64_t now_us);

}  // namespace rotv::formats
