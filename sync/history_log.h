// Reads the transactions that were received, and what each changed.

#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "storage/lsn.h"
#include "sync/context/context.h"

namespace rotv {

struct LoggedTransaction {
  struct Table {
    std::string name;  // Its present name, quoted if necessary, with its schema.
    uint64_t inserted = 0;
    uint64_t updated = 0;
    uint64_t deleted = 0;
    bool truncated = false;
  };
  Lsn lsn;              // The commit LSN. The transaction belongs to the state at any greater LSN.
  int64_t time_us = 0;  // Commit time, by the source's clock.
  uint32_t xid = 0;
  std::vector<Table> tables;
};

struct LogRequest {
  std::string since;   // A point's name, an LSN or a time as ParsePointTime() takes it; empty: from the beginning.
  std::string table;   // Only changes of this table, with or without its schema; empty: of all tables.
  size_t last = 0;     // Only the last so many transactions; 0: all.
  int interval_s = 0;  // Of FollowLog(): the time between two pulls; 0: as it says.
};

// Returns false if no more transactions are wanted.
using VisitTransaction = std::function<bool(const LoggedTransaction&)>;

// Visits stored transactions in order of commit. Needs no connection. Throws kUsage if `since` is neither a
// name nor an LSN nor a time, or if there is no such table.
void ReadLog(const Context& context, const LogRequest& request, const VisitTransaction& visit);

// Does the same, and continues with transactions as they are committed: pulls about once a second through one
// connection, which is opened again when it is lost. From a remote it continues with them as they are published: asks
// for its head every five seconds, and pulls when that is another one; a remote that is away is asked again. Returns
// when no more transactions are wanted; an interrupt ends it as an Error.
void FollowLog(const Context& context, const LogRequest& request, const VisitTransaction& visit);

// Returns the Unix time in microseconds, the beginning of the second that is meant, of a time as ParsePointTime() takes
// it; nothing if `text` is none.
std::optional<int64_t> ParseTime(const std::string& text, int64_t now_us);

}  // namespace rotv
