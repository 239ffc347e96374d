#include "sync/postgres/exported_snapshot_guard.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <thread>
#include <utility>

#include "storage/error.h"
#include "storage/interrupt.h"
#include "sync/postgres/pg_connection.h"

// A commit becomes visible in three steps: the commit record is written (and can be decoded), the transaction is marked
// as committed in pg_xact, and it is removed from the list of running transactions. An ordinary snapshot is made from
// that list, so it never sees a transaction as ended before the mark is there. The exported snapshot of a new slot is
// made from the decoded WAL, so it can be ahead of both. (With a synchronous standby the last step can come seconds
// after the second.)
//
// The guard compares two snapshots and no more: the exported one, from pg_current_snapshot() in a transaction that
// imported it, and a fresh ordinary one. Invariant: once every transaction that the exported snapshot counts as ended
// has ended for an ordinary one, each of them is marked, and stays so; one success is enough for all later readers of
// the same exported snapshot. The cost is one small query each 5 ms, and usually just one.
//
// Waiting a fixed time instead would be a guess, since nothing bounds the time between two of the steps.

namespace rotv::postgres {
namespace {

uint64_t TakeNumber(std::string_view* text) {
  uint64_t number = 0;
  auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (error != std::errc()) throw Error(ErrorCode::kProtocol, "the source sent an invalid transaction snapshot");
  text->remove_prefix(static_cast<size_t>(end - text->data()));
  return number;
}

void TakeCharacter(std::string_view* text, char expected) {
  if (text->empty() || text->front() != expected) {
    throw Error(ErrorCode::kProtocol, "the source sent an invalid transaction snapshot");
  }
  text->remove_prefix(1);
}

bool Contains(const std::vector<uint64_t>& sorted, uint64_t xid) {
  return std::binary_search(sorted.begin(), sorted.end(), xid);
}

}  // namespace

TransactionSnapshot TransactionSnapshot::Parse(std::string_view text) {
  TransactionSnapshot snapshot;
  snapshot.xmin = TakeNumber(&text);
  TakeCharacter(&text, ':');
  snapshot.xmax = TakeNumber(&text);
  TakeCharacter(&text, ':');
  while (!text.empty()) {
    snapshot.in_progress.push_back(TakeNumber(&text));
    if (!text.empty()) TakeCharacter(&text, ',');
  }
  std::sort(snapshot.in_progress.begin(), snapshot.in_progress.end());
  return snapshot;
}

bool IsExportedSnapshotSafe(const TransactionSnapshot& exported, const TransactionSnapshot& current) {
  // The transactions that have not ended for `current` are its in_progress and all from its xmax on. None of these may
  // count as ended for `exported`.
  for (uint64_t xid : current.in_progress) {
    if (xid < exported.xmax && !Contains(exported.in_progress, xid)) return false;
  }
  for (uint64_t xid = std::max(current.xmax, exported.xmin); xid < exported.xmax; ++xid) {
    if (!Contains(exported.in_progress, xid)) return false;
  }
  return true;
}

void WaitUntilExportedSnapshotIsSafe(const TransactionSnapshot& exported, const std::function<std::string()>& current,
                                     const std::function<void()>& pause) {
  while (!IsExportedSnapshotSafe(exported, TransactionSnapshot::Parse(current()))) pause();
}

void WaitUntilExportedSnapshotIsSafe(PgConnection& connection, const std::string& begin, const Interrupt& interrupt) {
  using Clock = std::chrono::steady_clock;
  // The function reads the snapshot only and no row, so it may be called before the snapshot is safe. The second one is
  // an ordinary snapshot: it usually is the only one that is needed, and comes in the same round trip.
  constexpr const char* kSnapshot = "SELECT pg_current_snapshot()";
  const std::vector<PgResult> results = connection.QueryAll(fmt::format("{0}; {1}; COMMIT; {1}", begin, kSnapshot));
  const TransactionSnapshot exported = TransactionSnapshot::Parse(results.at(2).Text(0, 0));
  std::string first = results.at(4).Get(0, 0);
  Clock::time_point deadline = Clock::now() + std::chrono::minutes(1);
  WaitUntilExportedSnapshotIsSafe(
      exported, [&] { return first.empty() ? connection.Query(kSnapshot).Get(0, 0) : std::exchange(first, ""); },
      [&] {
        interrupt.Check();
        if (Clock::now() > deadline) {
          throw Error(ErrorCode::kUnreachable, "a transaction on the source has been committing for over a minute",
                      "it may wait for a synchronous standby: see pg_stat_activity on the source; then try again");
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
      });
}

}  // namespace rotv::postgres
