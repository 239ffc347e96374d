// Copies the rows of many tables at one snapshot, several at a time.

#pragma once

#include <cstdint>
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
  uint64_t bytes = 0;  // Of COPY text.
};

enum class CopyEnd {
  kComplete,
  kTableMoved,  // A table was rewritten, emptied, renamed or dropped since the snapshot: it can no longer be read
                // there.
};

struct CopyRequest {
  const proto::SchemaVersion& schema;
  const postgres::Catalog& catalog;  // For the sizes: large tables first.
  const std::set<TableId>& tables;
  std::string snapshot;  // Exported, and safe to read through.
  Lsn lsn;               // The state that the snapshot is.
  mask::MaskSecret mask_secret;
};

// Writes these tables of the schema into `store`, as versions that are visible at `lsn` and later, and adds each
// table's new epoch to `manifest`. The store must know their shapes. Each table is read in a short transaction of its
// own; one that stands in somebody's way is given up and tried again later, until ten minutes have passed without any
// progress (kUnreachable).
CopyEnd CopyTables(postgres::SourceSession& session, RowStore& store, const CopyRequest& request,
                   proto::Manifest* manifest, CopyCounts* counts);

}  // namespace rotv::capture
