// What the server says against a statement, and what that means for whoever sent it. Pure.

#pragma once

#include <string>

#include "storage/error.h"

namespace rotv::postgres {

struct PgFailure {
  std::string sqlstate;  // Five characters; empty if the connection was lost.
  std::string message;   // On one line, without "ERROR:".
};

// A lock that was not to be had in time, or a deadlock: trying again may help.
bool IsForLock(const PgFailure& failure);
// IsForLock(), or the watchdog: trying again may help.
bool IsForBusyTable(const PgFailure& failure);

// What was to be read as a table is a view or a foreign table (or in another state in which it cannot be read): our
// sessions read neither, but for the system's.
bool IsForRestrictedRelation(const PgFailure& failure);
// A failure because the table is no longer what the snapshot says.
bool IsForMovedTable(const PgFailure& failure);

// Another role could do it.
bool IsForPrivilege(const PgFailure& failure);

// The failure as an error with a hint: kRefused for a missing privilege, kUnreachable for what may work when tried
// again, else kProtocol. Not for a lost connection, of which the link knows more.
Error ErrorOf(const PgFailure& failure);

}  // namespace rotv::postgres
