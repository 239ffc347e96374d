#include "sync/postgres/pg_failure.h"

#include <algorithm>
#include <string_view>

#include "sync/postgres/sqlstate.h"

namespace rotv::postgres {

bool IsForLock(const PgFailure& failure) {
  return failure.sqlstate == sqlstate::kLockNotAvailable || failure.sqlstate == sqlstate::kDeadlockDetected;
}

bool IsForBusyTable(const PgFailure& failure) {
  return IsForLock(failure) || failure.sqlstate == sqlstate::kQueryCanceled;
}

bool IsForRestrictedRelation(const PgFailure& failure) {
  return failure.sqlstate == sqlstate::kNotInPrerequisiteState;  // The message is in the server's language.
}

bool IsForMovedTable(const PgFailure& failure) {
  constexpr std::string_view kStates[] = {sqlstate::kUndefinedTable, sqlstate::kUndefinedColumn,
                                          sqlstate::kWrongObjectType, sqlstate::kInvalidSchemaName};
  return std::find(std::begin(kStates), std::end(kStates), failure.sqlstate) != std::end(kStates) ||
         IsForRestrictedRelation(failure);
}

bool EndsSession(const PgFailure& failure) {
  return failure.sqlstate.starts_with(sqlstate::kShutdowns) ||
         failure.sqlstate.starts_with(sqlstate::kConnectionExceptions);
}

bool IsForLostSnapshot(const PgFailure& failure) {
  // Since version 17 the code is another one. Both have other meanings as well; most languages have the word.
  const bool may_be =
      failure.sqlstate == sqlstate::kInvalidParameterValue || failure.sqlstate == sqlstate::kUndefinedObject;
  return may_be && failure.message.find("napshot") != std::string::npos;
}

bool IsForPrivilege(const PgFailure& failure) { return failure.sqlstate == sqlstate::kInsufficientPrivilege; }

Error ErrorOf(const PgFailure& failure) {
  if (IsForPrivilege(failure)) {
    return {ErrorCode::kRefused, "the source refused: " + failure.message,
            "rotv-sync doctor names the privilege that is missing and how to grant it"};
  }
  if (IsForLock(failure)) {
    return {ErrorCode::kUnreachable, "could not get a lock on the source: " + failure.message,
            "try again when the migration or transaction that holds it has ended"};
  }
  if (IsForRestrictedRelation(failure)) {
    return {ErrorCode::kUnreachable, "the source refused: " + failure.message,
            "if a table has become a view: rotv-sync pull stores the schema as it is now; then try again"};
  }
  const auto in = [&](std::string_view of_class) { return failure.sqlstate.starts_with(of_class); };
  if (in(sqlstate::kRaisedByFunctions)) {  // Raised by PL/pgSQL code, such as an event trigger.
    return {ErrorCode::kRefused, "the source refused: " + failure.message,
            "an event trigger there may forbid it: SELECT evtname, evtfoid::regproc FROM pg_event_trigger;"};
  }
  const bool gone = EndsSession(failure) || IsForLostSnapshot(failure) || in(sqlstate::kInsufficientResources) ||
                    failure.sqlstate == sqlstate::kQueryCanceled;
  return {gone ? ErrorCode::kUnreachable : ErrorCode::kProtocol, "the source reported: " + failure.message,
          gone ? "try again" : "please report this with the server's version"};
}

}  // namespace rotv::postgres
