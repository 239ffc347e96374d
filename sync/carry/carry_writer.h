// Writes the SQL that brings a database from one state of a store to another one.

#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "proto/store.pb.h"
#include "storage/interrupt.h"
#include "storage/row_store.h"
#include "sync/carry/migration.h"
#include "sync/context/progress.h"

namespace rotv::carry {

struct CarryCounts {
  uint64_t tables = 0;  // Tables that change.
  uint64_t rows = 0;    // Rows and chunks of large objects that are removed or written; a changed row counts once.
  uint64_t reloaded_rows = 0;  // Those of tables that are loaded again as a whole.
  uint64_t bytes = 0;
};

// True if the store's change log has all that lies between the two states.
bool LogReaches(const RowStore& store, Lsn from, Lsn to);

// Passes the text to `write`, in order; LogReaches() must hold, and so must SameSchema() where there is no migration.
// Throws kCorrupt if the store is damaged, or if psql would read something other than SQL in a schema.
CarryCounts WriteCarryText(const RowStore& store, const CarryEnds& ends, const Migration* migration,
                           const std::function<void(std::string_view)>& write, Progress& progress,
                           const Interrupt& interrupt);

}  // namespace rotv::carry
