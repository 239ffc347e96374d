// Reads the lineage of a store that nothing is received into: before a new baseline, and for doctor.

#pragma once

#include <filesystem>

#include "sync/mask/mask_lineage.h"
#include "sync/postgres/pg_connection.h"

namespace rotv::mask {

// Returns the lineage at the head of the store in this directory. If `connection` is to another database than the
// store's, tables are known only by their names. Throws what RowStore::Open() and the connection throw.
MaskLineage ReadStoredLineage(const std::filesystem::path& store, postgres::PgConnection& connection);

}  // namespace rotv::mask
