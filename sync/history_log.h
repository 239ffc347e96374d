// The transactions that were received, and what each changed.

#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "storage/lsn.h"
#include "sync/context/context.h"

namespace rotv {

struct LoggedTransaction {
  struct Table {
    std::string name;  // As it is called now, quoted where it has to be, with its schema.
    uint64_t inserted = 0;
    uint64_t updated = 0;
    uint64_t deleted = 0;
    bool truncated = false;
  };
  Lsn lsn;              // Of its commit. The state with it is at any greater LSN.
  int64_t time_us = 0;  // Of its commit, by the source's clock.
  uint32_t xid = 0;
  std::vector<Table> tables;
};

struct LogRequest {
  std::string since;  // An LSN or a time as ParsePointTime() takes it; empty: the beginning.
  std::string table;  // Only what changed this one, with or without its schema; empty: all.
  size_t last = 0;    // Only so many, the last of them; 0: all.
};

// False: no more is wanted.
using VisitTransaction = std::function<bool(const LoggedTransaction&)>;

// In order of commit. Needs no connection. Throws kUsage if `since` is neither or there is no such table.
void ReadLog(const Context& context, const LogRequest& request, const VisitTransaction& visit);

// The same, and then what is committed from now on: pulls about once a second, through one connection, which is made
// anew when it is lost. Returns when no more is wanted; an interrupt ends it as an Error.
void FollowLog(const Context& context, const LogRequest& request, const VisitTransaction& visit);

}  // namespace rotv
