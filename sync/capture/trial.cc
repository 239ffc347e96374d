#include "sync/capture/trial.h"

#include <fmt/format.h>

#include <algorithm>
#include <future>
#include <optional>

#include "storage/error.h"
#include "sync/capture/preflight.h"
#include "sync/postgres/schema_dump.h"
#include "sync/postgres/table_queue.h"

namespace rotv::capture {

Check TryConnections(postgres::SourceSession& session, size_t tables,
                     std::vector<std::unique_ptr<postgres::PgConnection>>* open) {
  using Kind = postgres::PgConnection::Kind;
  // The slot's, the watchdog's, pg_dump's, and those that read tables.
  std::vector<Kind> kinds = {Kind::kReplication, Kind::kOrdinary, Kind::kOrdinary};
  kinds.insert(kinds.end(), std::min(postgres::kMostTableReaders, tables), Kind::kOrdinary);
  std::vector<std::future<std::unique_ptr<postgres::PgConnection>>> opening;
  opening.reserve(kinds.size());
  for (const Kind kind : kinds) {
    opening.push_back(std::async(std::launch::async, [&session, kind] { return session.Connect(kind); }));
  }
  std::optional<Check> failed;
  for (auto& connection : opening) {
    try {
      open->push_back(connection.get());
    } catch (const Error& error) {
      if (!failed) failed = FailedCheck("connections", error);
    }
  }
  const size_t needed = kinds.size() + 1;
  if (!failed) {
    return {.outcome = Check::Outcome::kOk, .name = "connections", .message = fmt::format("{} at a time", needed)};
  }
  failed->message =
      fmt::format("a baseline needs {} at a time, and got {}: {}", needed, open->size() + 1, failed->message);
  return *failed;
}

Check TryDump(postgres::SourceSession& session, Check dump_program) {
  if (dump_program.outcome == Check::Outcome::kProblem) return dump_program;
  try {
    postgres::TryDump(session);
    return dump_program;
  } catch (const Error& error) {
    return FailedCheck("pg_dump", error);
  }
}

}  // namespace rotv::capture
