#include "sync/capture/change_stream.h"

#include <fmt/format.h>

#include <algorithm>
#include <thread>
#include <utility>

#include "os/clock.h"
#include "storage/error.h"
#include "sync/formats/wal_frame.h"
#include "sync/postgres/slot_in_use.h"

namespace rotv::capture {

// Two questions decide when a stream may end and what the source may forget.
//
// When is everything before the target here? The target is the position at which the source's WAL was written when the
// pull began. It is reached when the stream is outside of a transaction and either a commit ends at or after it, a
// transaction begins whose commit is at or after it, or a keepalive says that the server has read its WAL that far.
// Keepalives come when the server likes, so after 20 ms without a message we request one. But the server reads only WAL
// that is flushed, and on an idle server the last records before the target may stay unflushed for long. So once
// nothing has come for 100 ms, and the server still answers (one that decodes a large transaction is silent as well,
// and must be waited for), another connection asks how far the WAL is flushed:
// - At or after the target: the rest is on its way.
// - Before it: the server is made to flush (FlushWal(): an empty transaction with a number, whose commit record the WAL
//   writer flushes at once). A transaction with synchronous_commit = off, which other sessions can already see, may be
//   among the unflushed records, and nothing that can be asked tells whether one is, so the stream must not end yet.
// - If the server refuses, the pull waits until the WAL writer must have flushed every such commit (within three of its
//   rounds), and ends at the position reached.
// Waiting for the WAL writer in every case was refused because it costs an idle pull two seconds; a logical message
// would flush as well, but other consumers of the WAL would see it.
//
// What may the source forget? Only what is synced here. Acknowledge() reports the writer's durable LSN as flushed,
// never the position received; so a crash at any moment leaves the slot at or before the store's LSN, and what comes
// again is dropped by the applier. A slot ahead of the store would be a gap that nothing can fill. Standby statuses are
// sent every half second, also while a large transaction is received or the writer is busy, since the server ends a
// connection that is silent for wal_sender_timeout. To keep the source's WAL short, the store publishes once a second
// between transactions, or whenever 16 MB have gathered; within a transaction, buffers are written but not published.

namespace {

// These limit how much waits in memory before it is written, and for how long: less work between two acknowledgements
// lets the source remove its WAL earlier.
constexpr size_t kBufferBytes = size_t{16} << 20;
constexpr auto kPublishPeriod = std::chrono::seconds(1);
// This is well below the shortest sensible wal_sender_timeout.
constexpr auto kStandbyStatusPeriod = std::chrono::milliseconds(500);
// After so long without a message we ask whether the WAL is flushed up to the target.
constexpr auto kQuiet = std::chrono::milliseconds(100);
// The WAL's last records may never be flushed while the server is idle, but commits always are, within three rounds of
// the WAL writer (200 ms each, unless wal_writer_delay says otherwise).
constexpr auto kStalled = std::chrono::seconds(2);
constexpr int kWalWriterRounds = 3;
constexpr int kWaitMs = 50;
// While messages keep coming naps grow, so that many are there at their end. A unix socket holds some 250 small ones
// before it makes the server wait, so half of these may gather; the kernel of a near server gathers them itself. The
// larger share of the stream's time a nap is, the later its end is noticed.
constexpr auto kNap = std::chrono::microseconds(100);
constexpr auto kLongestNap = std::chrono::milliseconds(1);
constexpr auto kLongestGatheringNap = std::chrono::milliseconds(10);
constexpr int kNapShare = 8;
constexpr size_t kFewMessages = 64;
constexpr size_t kManyMessages = 128;
// Half of a receive window: where so much came, more is on its way.
constexpr size_t kMuchBytes = size_t{32} << 10;

}  // namespace

void ChangeStream::Start() {
  const Lsn from = parts_.state.durable_lsn();
  const proto::Manifest& manifest = parts_.state.manifest();
  received_ = acknowledged_ = started_ = from;
  postgres::PgConnection& connection = parts_.connection;
  std::string command = fmt::format("START_REPLICATION SLOT {} LOGICAL {} (proto_version '1', publication_names {})",
                                    connection.QuoteIdentifier(manifest.slot()), from.ToString(),
                                    connection.QuoteLiteral(connection.QuoteIdentifier(manifest.publication())));
  const std::optional<postgres::PgFailure> failure = postgres::UseSlotOnceReleased(
      [&] { return connection.StartStream(command); }, parts_.interrupt,
      [&] { parts_.progress.Detail("waiting for the source to release the replication slot of an aborted pull"); });
  if (failure) connection.Throw(*failure);
  parts_.progress.Detail("");
  last_publish_ = last_standby_status_ = last_arrival_ = opened_ = Clock::now();
  nap_ = kNap;
  idle_limit_ = kQuiet;
  gathers_ = connection.NarrowReceiveWindow();
}

void ChangeStream::ReceiveUntil(Lsn target) {
  target_ = target;
  Start();
  for (bool done = false; !done;) {
    parts_.interrupt.Check();
    std::optional<std::string_view> frame = parts_.connection.StreamFrame(0);
    now_ = Clock::now();
    if (frame) {
      done = TakeFrame(*frame);
    } else {
      done = WaitForMore();
    }
    SendStandbyStatusWhenDue();
    PublishWhenDue();
  }
  HandOver(true);
  while (!parts_.writer.DrainFor(Interrupt::kPollMs)) {
    parts_.interrupt.Check();
    now_ = Clock::now();
    SendStandbyStatusWhenDue();
  }
}

bool ChangeStream::TakeFrame(std::string_view frame) {
  formats::WalFrame decoded = formats::DecodeWalFrame(frame);
  if (const auto* data = std::get_if<formats::XLogData>(&decoded)) {
    last_arrival_ = now_;
    asked_ = false;
    ++messages_came_;
    bytes_came_ += frame.size();
    return TakeMessage(*data);
  }
  const auto& keepalive = std::get<formats::Keepalive>(decoded);
  received_ = std::max(received_, keepalive.server_end);
  last_keepalive_ = now_;
  if (!parts_.applier.in_transaction()) {
    if (keepalive.server_end > parts_.applier.complete_until()) last_arrival_ = now_;
    parts_.applier.ReachedOutsideOfTransaction(std::min(keepalive.server_end, target_));
  }
  if (keepalive.reply_requested) Acknowledge(false);
  return !parts_.applier.in_transaction() && parts_.applier.complete_until() >= target_;
}

bool ChangeStream::TakeMessage(const formats::XLogData& data) {
  received_ = std::max(received_, data.start);
  formats::pgoutput::Message message = formats::pgoutput::Decode(data.payload);
  const auto* begin = std::get_if<formats::pgoutput::Begin>(&message);
  if (begin != nullptr && !parts_.applier.in_transaction()) {  // Otherwise the applier refuses it.
    if (begin->commit_lsn >= target_) {
      // It belongs to the next pull, and so does everything after it.
      parts_.applier.ReachedOutsideOfTransaction(target_);
      return true;
    }
  }
  parts_.applier.Apply(message);
  return !parts_.applier.in_transaction() && parts_.applier.complete_until() >= target_;
}

// Waits while no message is available. Returns true if nothing before the target can still be missing.
bool ChangeStream::WaitForMore() {
  if (now_ - last_arrival_ < std::chrono::milliseconds(20)) {
    std::this_thread::sleep_for(NextNap());
    now_ = Clock::now();
    return false;
  }
  if (!asked_) {
    Acknowledge(true);  // Requests a keepalive, which has the server's position.
    asked_ = true;
  }
  std::optional<std::string_view> frame = parts_.connection.StreamFrame(kWaitMs);
  now_ = Clock::now();
  if (frame) return TakeFrame(*frame);
  if (now_ - last_standby_status_ > std::chrono::milliseconds(200)) asked_ = false;
  return NothingLeftToFlush();
}

// A nap lets several messages gather: a wake-up for each would cost more than the message. It is short once nothing has
// come, and where the window was full: what the server's kernel has gathered comes by windows.
ChangeStream::Clock::duration ChangeStream::NextNap() {
  const size_t messages = std::exchange(messages_came_, 0);
  const size_t bytes = std::exchange(bytes_came_, 0);
  const bool full = bytes >= kMuchBytes || (!gathers_ && messages > kManyMessages);
  if (messages == 0 || (full && !gathers_)) {
    nap_ /= 2;
  } else if (!full && (gathers_ || messages < kFewMessages)) {
    nap_ *= 2;
  }
  const Clock::duration longest = gathers_ ? kLongestGatheringNap : kLongestNap;
  nap_ = std::max<Clock::duration>(kNap, std::min({nap_, longest, (now_ - opened_) / kNapShare}));
  return messages == 0 || (full && gathers_) ? kNap : nap_;
}

// Decides whether the stream may end before the target, because the missing records would never be flushed. A commit
// that others have already seen (synchronous_commit = off) may be among them, so the server is asked to flush first. If
// it refuses, this returns true once its WAL writer has had the time to flush every such commit.
bool ChangeStream::NothingLeftToFlush() {
  Clock::time_point now = Clock::now();
  if (parts_.applier.in_transaction() || now - last_arrival_ < idle_limit_) return false;
  // A server that is busy with a large transaction sends nothing either, but does not answer.
  if (now - last_keepalive_ > std::chrono::milliseconds(500)) return false;
  postgres::WalFlush flush = parts_.wal_flush();
  if (flush.lsn >= target_) {
    last_arrival_ = now;  // The rest is on its way; the next question waits for a while.
    return false;
  }
  if (!flush_tried_) {
    flush_tried_ = true;
    if (parts_.flush_wal()) {
      last_arrival_ = now;
      asked_ = false;
      return false;
    }
  }
  idle_limit_ = std::max<Clock::duration>(kStalled, kWalWriterRounds * flush.writer_delay + kStalled / 4);
  return now - last_arrival_ >= idle_limit_;
}

void ChangeStream::SendStandbyStatusWhenDue() {
  if (now_ - last_standby_status_ < kStandbyStatusPeriod) return;
  Acknowledge(false);
  parts_.progress.Update(BytesBetween(started_, received_));
}

void ChangeStream::Acknowledge(bool request_reply) {
  acknowledged_ = std::max(acknowledged_, parts_.writer.durable_lsn());
  formats::StandbyStatus status{
      .received = std::max(received_, acknowledged_), .flushed = acknowledged_, .request_reply = request_reply};
  parts_.connection.SendStream(formats::EncodeStandbyStatus(status, os::NowMicroseconds()));
  last_standby_status_ = Clock::now();
}

void ChangeStream::PublishWhenDue() {
  bool full = parts_.applier.buffered_bytes() >= kBufferBytes;
  bool between = !parts_.applier.in_transaction();
  bool late =
      between && now_ - last_publish_ >= kPublishPeriod && parts_.applier.complete_until() > parts_.state.durable_lsn();
  if (full || late) HandOver(between);
}

void ChangeStream::HandOver(bool publish) {
  StoreWriter::Job job;
  job.log = parts_.applier.TakeLog();
  job.versions = parts_.applier.TakeVersions();
  if (publish) {
    parts_.state.Advance(parts_.applier.complete_until());
    job.publication = {.state = parts_.state, .addition = {}};
    last_publish_ = Clock::now();
  }
  while (!parts_.writer.TrySubmit(&job)) {
    parts_.interrupt.Check();
    parts_.writer.WaitForRoom(Interrupt::kPollMs);
    now_ = Clock::now();
    SendStandbyStatusWhenDue();
  }
}

void ChangeStream::End() {
  Acknowledge(false);
  parts_.connection.EndStream();
}

}  // namespace rotv::capture
