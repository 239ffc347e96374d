// Keeps us from reading through the exported snapshot of a new slot too early.
//
// The snapshot that the creation of a slot exports counts a transaction as committed as soon as its commit record is
// decoded, but the server may not have marked the transaction as committed yet. A reader in between takes it for
// crashed and sets hint bits that mark its rows as aborted, for good: committed rows are destroyed on the source. So
// nothing may be read through the exported snapshot before an ordinary snapshot sees every transaction ended that the
// exported one counts as committed.

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

// PostgreSQL's pg_snapshot: transactions below xmin have ended, those from xmax on have not, and those in between have
// ended unless they are in `in_progress`.
struct TransactionSnapshot {
  uint64_t xmin = 0;
  uint64_t xmax = 0;
  std::vector<uint64_t> in_progress;  // Ascending.

  // Reads the text of pg_current_snapshot(): "xmin:xmax:xip,xip". Throws kProtocol for anything else.
  static TransactionSnapshot Parse(std::string_view text);
};

// True if every transaction that `exported` counts as ended has ended for `current` too.
bool IsExportedSnapshotSafe(const TransactionSnapshot& exported, const TransactionSnapshot& current);

// Waits until IsExportedSnapshotSafe(). `begin` is the two statements that begin a transaction on the exported
// snapshot. The connection is in no transaction, before and after. Throws kUnreachable if that takes longer than a
// minute, and kInterrupted.
void WaitUntilExportedSnapshotIsSafe(PgConnection& connection, const std::string& begin, const Interrupt& interrupt);

// The same with the server's answers from `current`, and with `pause` as the only wait.
void WaitUntilExportedSnapshotIsSafe(const TransactionSnapshot& exported, const std::function<std::string()>& current,
                                     const std::function<void()>& pause);

}  // namespace rotv::postgres
