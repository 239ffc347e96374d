// Receives the stream of changes from a slot up to a target and passes it to the applier; acknowledges what is durable.

#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include "storage/interrupt.h"
#include "sync/capture/applier.h"
#include "sync/capture/store_writer.h"
#include "sync/context/progress.h"
#include "sync/postgres/pg_connection.h"
#include "sync/postgres/wal_flush.h"

namespace rotv::formats {
struct XLogData;
}

namespace rotv::capture {

class ChangeStream {
 public:
  struct Parts {
    postgres::PgConnection& connection;  // A replication connection.
    Applier& applier;
    StoreWriter& writer;
    StoreState& state;  // Published as the stream proceeds, after each Advance().
    Progress& progress;
    const Interrupt& interrupt;
    std::function<postgres::WalFlush()> wal_flush;  // AskWalFlush() on another connection; rarely called.
    std::function<bool()> flush_wal;                // FlushWal() on that connection; called at most once.
  };
  explicit ChangeStream(const Parts& parts) : parts_(parts) {}

  // Receives everything that commits before `target`. On return everything received is in the store and durable, and
  // state.durable_lsn() is the position that was reached: `target`, or less if the server's WAL ends, after the last
  // commit, in records that are not flushed, and the server refuses to flush them.
  void ReceiveUntil(Lsn target);

  // Acknowledges everything that was received and ends the stream.
  void End();

 private:
  using Clock = std::chrono::steady_clock;

  void Start();
  // All three return true if everything before the target has come.
  bool TakeFrame(std::string_view frame);
  bool TakeMessage(const struct formats::XLogData& data);
  bool WaitForMore();
  Clock::duration NextNap();
  bool NothingLeftToFlush();
  void PublishWhenDue();
  void HandOver(bool publish);
  void Acknowledge(bool request_reply);
  void SendStandbyStatusWhenDue();

  Parts parts_;
  Lsn target_;
  Lsn started_;
  Lsn received_;
  Lsn acknowledged_;
  Clock::time_point now_;  // Read once a frame: it costs as much as a part of what is done with a frame.
  Clock::time_point last_publish_;
  Clock::time_point last_standby_status_;
  Clock::time_point last_arrival_;
  Clock::time_point last_keepalive_;
  Clock::duration idle_limit_;  // How long a server that has nothing to send is waited for.
  Clock::time_point opened_;
  Clock::duration nap_;       // How long the next nap is.
  bool gathers_ = false;      // The server's kernel gathers messages while we nap.
  size_t messages_came_ = 0;  // Since the last nap.
  size_t bytes_came_ = 0;
  bool asked_ = false;
  bool flush_tried_ = false;
};

}  // namespace rotv::capture
