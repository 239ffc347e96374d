// Does on the source what a baseline does there beside reading rows, and nothing that lasts: what no question can tell
// beforehand, because sshd, the server or a program in between limits it, shows here.

#pragma once

#include <memory>
#include <vector>

#include "sync/capture/check.h"
#include "sync/postgres/source_session.h"

namespace rotv::capture {

// Opens as many connections at a time as a baseline of that many tables does, and leaves them open in `open`. Called if
// CheckServer() has found no problem.
Check TryConnections(postgres::SourceSession& session, size_t tables,
                     std::vector<std::unique_ptr<postgres::PgConnection>>* open);

// Runs pg_dump as a baseline does. Returns `dump_program`, which is CheckDumpProgram()'s, if that works or if it is a
// problem already.
Check TryDump(postgres::SourceSession& session, Check dump_program);

}  // namespace rotv::capture
