// The question with which a pull begins: is this still the source of the baseline, and how far has it come?

#pragma once

#include "proto/store.pb.h"
#include "storage/lsn.h"
#include "sync/fingerprint.h"
#include "sync/pg_connection.h"

namespace rotv {

struct SourceState {
  Lsn insert_lsn;       // Everything visible when this was read commits before it.
  int64_t time_us = 0;  // The source's clock.
  Fingerprint fingerprint;
};

// One round trip. Throws kSlotLost with what has happened, if this is another server, timeline or database, or if the
// slot is gone, invalidated, or ahead of the store.
SourceState AskSourceState(PgConnection& connection, const proto::Manifest& manifest);

// Throws kSlotLost if the fingerprint is not the stored one: DDL between pulls is not followed yet.
void CheckSchemaUnchanged(const Fingerprint& now, const proto::Manifest& manifest);

// Where the last record before `insert_lsn` ends: an insert position at the start of a page stands behind the page's
// header, which no record's end does.
Lsn WithoutPageHeader(Lsn insert_lsn, uint64_t segment_bytes);

}  // namespace rotv
