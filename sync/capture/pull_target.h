// Asks the question with which a pull begins: is this still the source of the baseline, and how far has it come? And
// the one with which it ends: has nothing changed in between except rows that were streamed?

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "proto/store.pb.h"
#include "storage/lsn.h"
#include "sync/postgres/content_fingerprint.h"
#include "sync/postgres/exported_snapshot_guard.h"
#include "sync/postgres/fingerprint.h"
#include "sync/postgres/pg_connection.h"
#include "sync/postgres/statement_batch.h"

namespace rotv::capture {

struct SourceState {
  Lsn insert_lsn;       // Everything visible when this was read commits before it.
  int64_t time_us = 0;  // The source's clock.
  postgres::Fingerprint fingerprint;
  uint64_t next_xid = 0;  // Transactions from this number on commit after insert_lsn.
};

// Reads the state in one round trip. Throws kSlotLost, saying what has happened, if this is another server, timeline or
// database, or if the slot was dropped, invalidated, or is ahead of the store.
SourceState AskSourceState(postgres::PgConnection& connection, const proto::Manifest& manifest);

// Says why a pull would throw kSlotLost; empty if it would not. Not for a standby.
std::string WhyNewBaseline(postgres::PgConnection& connection, const proto::Manifest& manifest);

// Checks that nothing has changed on the source since the stored schema except what the stream delivers: neither the
// schema nor a table that is not streamed.
class UnchangedCheck {
 public:
  // All of these must outlive the check. `target` is where the pull ends.
  UnchangedCheck(postgres::PgConnection& connection, const proto::Manifest& manifest,
                 const proto::SchemaVersion& schema, const SourceState& target);

  // Returns the data of the new head if nothing else has changed; nothing if something has, or may have. Takes one
  // round trip, unless transactions that may belong to the state at the target are committing at this moment: then up
  // to half a second.
  struct Head {
    proto::SequenceValues sequences;
    uint64_t xid = 0;  // Manifest.head_xid.
  };
  std::optional<Head> Ask();

 private:
  enum class Doubt { kNone, kWait, kStandby };
  Doubt DoubtOf(const postgres::PgResult& row) const;

  postgres::PgConnection& connection_;
  const proto::Manifest& manifest_;
  const proto::SchemaVersion& schema_;
  const SourceState& target_;
};

// Returns where the last record before `insert_lsn` ends: an insert position at the start of a page is after the page's
// header, which no record's end is.
Lsn WithoutPageHeader(Lsn insert_lsn, uint64_t segment_bytes);

}  // namespace rotv::capture
