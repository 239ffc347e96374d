// A baseline that was interrupted: what of it is here, and whether it can go on.

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "storage/row_store.h"
#include "storage/workspace.h"
#include "sync/postgres/source_session.h"

namespace rotv {

// How far an unfinished baseline has come. Tables whose rows are not kept do not count.
struct BaselineProgress {
  uint64_t complete = 0;
  uint64_t tables = 0;
  uint64_t rows = 0;       // Of complete tables, when they were copied.
  uint64_t row_bytes = 0;  // As COPY text.
};
BaselineProgress ProgressOf(const RowStore& store);
// "41 of 60 tables are here".
std::string ProgressText(const BaselineProgress& progress);

// When the workspace's unfinished baseline was begun, by this machine's clock and time zone: "22:14", with the date if
// that was on another day.
std::string BegunText(const proto::UnfinishedBaseline& unfinished);

// Says what can be done about an unfinished baseline: go on, or give it up.
std::string WaysOnText(const Workspace& workspace);

// Opens the store of the workspace's unfinished baseline if that can go on from the session's source, and says so;
// returns null if there is none. One that cannot go on (its slot is lost, the source or the masking rules are others,
// the store is damaged) is removed, with one line that says why; its objects are leftovers then.
std::unique_ptr<RowStore> TakeUpUnfinished(postgres::SourceSession& session, Workspace& workspace);

// Removes the workspace's unfinished baseline, with its objects, if its source (not another one that answers now) has
// lost what it needs to go on. `store` is that of the baseline, opened for reading.
void RemoveLostUnfinished(postgres::SourceSession& session, Workspace& workspace, const RowStore& store);

// Warns of an unfinished baseline that the present command leaves alone, or does RemoveLostUnfinished().
void TellUnfinished(postgres::SourceSession& session, Workspace& workspace);

}  // namespace rotv
