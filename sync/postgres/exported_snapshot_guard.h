// Keeps us from reading through a fresh slot's snapshot too early.
//
// The snapshot that a slot's creation exports counts a transaction as committed as soon as its commit record was
// decoded; the server may not have marked it so yet. A reader that comes in between takes it for crashed and stamps its
// rows as aborted, for good: committed rows are destroyed on the source. So nothing may be read through the snapshot
// before every transaction that it counts as committed is seen as ended by an ordinary snapshot.

#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace rotv {
class Interrupt;
}

namespace rotv::postgres {

class PgConnection;

// PostgreSQL's pg_snapshot: transactions below xmin have ended, those from xmax on have not, and of those between only
// the ones in `in_progress` have not.
struct TransactionSnapshot {
  uint64_t xmin = 0;
  uint64_t xmax = 0;
  std::vector<uint64_t> in_progress;  // In order.

  // Reads the text of pg_current_snapshot(): "xmin:xmax:xip,xip". Throws kProtocol for anything else.
  static TransactionSnapshot Parse(std::string_view text);
};

// Whether every transaction that `exported` counts as ended has ended for `current` too.
bool IsExportedSnapshotSafe(const TransactionSnapshot& exported, const TransactionSnapshot& current);

// Waits until IsExportedSnapshotSafe. `importing` is in a transaction on the exported snapshot and has read nothing;
// `ordinary` is not in a transaction. Throws kUnreachable if that takes longer than a minute, kInterrupted.
void WaitUntilExportedSnapshotIsSafe(PgConnection& importing, PgConnection& ordinary, const Interrupt& interrupt);

// The same with the server's answers from elsewhere, and no wait but `pause`.
void WaitUntilExportedSnapshotIsSafe(const TransactionSnapshot& exported, const std::function<std::string()>& current,
                                     const std::function<void()>& pause);

}  // namespace rotv::postgres
