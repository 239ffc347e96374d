// Writes the SQL that brings a database from one state of a history to another one.

#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "sync/context/context.h"
#include "sync/history/point.h"

namespace rotv {

struct CarryRequest {
  history::ResolvedPoint from;  // The state that the database has: a seed of this point was imported, or carried to it.
  std::string to = "head";      // As OpenPoint() takes it.
  // If the schema changed, too: an ordinary role may change it, a superuser would create what an import leaves out.
  enum class Schema { kMayChange, kMustBeTheSame } schema = Schema::kMayChange;
  std::filesystem::path output;  // Replaced, with mode 0600.
  uint64_t most_bytes = 0;       // Of the output; 0: any.
  // Called once the output is there, and empty: the database can be carried to `to`, unless that takes too much.
  std::function<void(const history::ResolvedPoint& to)> begun = {};
};

struct CarryResult {
  history::ResolvedPoint to;   // Set if there is such a point, whether or not the database can be carried there.
  std::string why_not;         // Not empty: it cannot be carried, and nothing is written. A clause for people, as
                               // "masking changed".
  bool too_large = false;      // It would take more than `most_bytes`: the output was removed.
  bool migrated = false;       // The schema changes, too.
  uint64_t rows = 0;           // Rows that are removed or written; a changed row counts once.
  uint64_t tables = 0;         // Tables that change.
  uint64_t reloaded_rows = 0;  // Those of `rows` that belong to tables that are loaded again as a whole.
  uint64_t bytes = 0;          // The size of the output.
};

// Writes a file for psql that brings a database from `from` to `to`, which may be earlier or later. It is run as the
// role that owns the database's objects, and that row security does not apply to, by
//
//   psql -X -q -f OUTPUT (with standard output thrown away)
//
// while the server's own configuration has session_replication_role = replica, so that triggers, foreign keys and rules
// do not act; the file refuses to run otherwise. It begins a transaction, and commits it in its last line: a file that
// is cut off, or whose psql is killed, changes nothing. (With --single-transaction a file that is cut off would be
// committed.) It stops at its first error by itself, with psql's exit code 3, and raises one where the database turns
// out not to have the state `from`.
//
// Where the schema changed, the file changes it, too: it makes a database rotv_next of the wanted schema, which takes
// the role's CREATEDB, drops that again, and before its last line compares the schema that it has made with what was
// there.
//
// The cost is that of the changes in between, but for tables without a usable key that have changed, those that were
// truncated or resynced, and those with more changes than fit into memory: these are read as a whole.
//
// Throws kUsage if there is no such point as `to`; kDisk if the output cannot be written; kCorrupt if the store is
// damaged. Takes no lock of the source.
CarryResult WriteCarry(const Context& context, const CarryRequest& request);

}  // namespace rotv
