#include "sync/postgres/standby.h"

#include <fmt/format.h>

#include "storage/error.h"

namespace rotv::postgres {

bool IsStandby(const PgConnection& connection) { return connection.Parameter("in_hot_standby") == "on"; }

void RequirePrimary(SourceSession& session) {
  if (!IsStandby(session.connection())) return;
  throw Error(ErrorCode::kRefused, fmt::format("the server is a standby: {}", session.link().Description()),
              kStandbyHint);
}

}  // namespace rotv::postgres
