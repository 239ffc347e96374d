// Copies the rows of many tables at one exported snapshot, several tables at a time.

#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>

#include "proto/store.pb.h"
#include "storage/row_store.h"
#include "sync/mask/keyed_hash.h"
#include "sync/postgres/catalog.h"
#include "sync/postgres/source_session.h"

namespace rotv::capture {

struct CopyCounts {
  uint64_t rows = 0;
  uint64_t bytes = 0;  // Bytes of COPY text.
};

enum class CopyEnd {
  kComplete,
  kTableMoved,  // A table was rewritten, truncated, renamed or dropped since the snapshot, so that it can no longer be
                // read there; or `unchanged` said no.
};

struct CopyRequest {
  const proto::SchemaVersion& schema;
  const postgres::Catalog& catalog;  // Gives the sizes: large tables come first.
  const std::set<TableId>& tables;
  std::string snapshot;  // An exported snapshot that is safe to read through.
  Lsn lsn;               // The LSN of the snapshot.
  mask::MaskSecret mask_secret;
  // Set for an unfinished baseline: each table is published as complete soon after its copy has ended, once this has
  // said that what was copied until now is what the snapshot has. Called in the thread that copies the tables.
  std::function<bool()> unchanged = {};
};

// Writes these tables of the schema into `store`, as versions that are visible at `lsn` and later, and adds each
// table's new epoch to `state`. The store must know their shapes. If `request.unchanged` is set, the tables are those
// that `state` waits for, and all that were copied are published on return, unless it throws: then the tables that were
// being copied are not, and small ones of the last seconds may not be. Each table is read in a short transaction of its
// own; a read that blocks another session is cancelled and tried again later, until ten minutes have passed without any
// progress (kUnreachable). Adds to `counts` the tables that were added or published, also if it throws.
CopyEnd CopyTables(postgres::SourceSession& session, RowStore& store, const CopyRequest& request, StoreState* state,
                   CopyCounts* counts);

}  // namespace rotv::capture
