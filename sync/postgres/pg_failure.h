// The server's error for a statement, and what it means for the sender. Pure.

#pragma once

#include <string>

#include "storage/error.h"

namespace rotv::postgres {

struct PgFailure {
  std::string sqlstate;  // Five characters; empty if the connection was lost.
  std::string message;   // On one line, without "ERROR:".
};

// True for a lock that was not available in time, and for a deadlock: trying again may help.
bool IsForLock(const PgFailure& failure);
// True if IsForLock(), or if the watchdog has cancelled the statement: trying again may help.
bool IsForBusyTable(const PgFailure& failure);

// True if a relation that should be read as a table is a view or a foreign table (or cannot be read for another reason
// of its state): our sessions read neither, except for system views.
bool IsForRestrictedRelation(const PgFailure& failure);
// True for a failure because the table is no longer what the exported snapshot says.
bool IsForMovedTable(const PgFailure& failure);

// True if the server has ended the session: it shuts down or has crashed, or somebody has terminated the session.
bool EndsSession(const PgFailure& failure);

// True if an exported snapshot is gone: the session that exported it has ended.
bool IsForLostSnapshot(const PgFailure& failure);

// True if the server refused for lack of a privilege.
bool IsForPrivilege(const PgFailure& failure);

// Returns the failure as an error with a hint: kRefused for a missing privilege, kUnreachable if trying again may help,
// else kProtocol. A lost connection is not reported by this: the link knows more about it.
Error ErrorOf(const PgFailure& failure);

}  // namespace rotv::postgres
