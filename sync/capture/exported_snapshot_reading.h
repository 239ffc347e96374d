// Reads the source at the exported snapshot of a slot: the schema and, for the tables that are asked for, the rows. The
// baseline and a pull with a resync both use it.

#pragma once

#include <future>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "storage/error.h"
#include "storage/row_store.h"
#include "sync/capture/table_copy.h"
#include "sync/formats/dump_sections.h"
#include "sync/mask/mask_lineage.h"
#include "sync/mask/pii_sampler.h"
#include "sync/postgres/catalog.h"
#include "sync/postgres/database_facts.h"
#include "sync/postgres/exported_snapshot_slot.h"
#include "sync/postgres/fingerprint.h"
#include "sync/postgres/watchdog.h"
#include "sync/schema/schema_version.h"

namespace rotv::capture {

class ExportedSnapshotReading {
 public:
  // kRead: the schema is read as SQL. That takes longer than everything else if no table is copied, so a caller that
  // will need it says so from the start.
  enum class Texts { kRead, kKnown };

  // Data that the caller has; all of it must outlive this object.
  struct Before {
    const std::string& publication;    // The name of our publication.
    const ShapeMap& shapes;            // The shapes of the store.
    const mask::MaskLineage& lineage;  // The masks that the store's rows came under.
    mask::PiiSampler& sampler;         // Uses the session's connection; has examined the columns of the schema before.
  };
  // Reads the catalogue, on the session's connection, which is in no transaction before and after, and starts to read
  // the texts. Session and slot must outlive this object. Throws what ReadMaskedCatalog() does, as a rule with the
  // connection in its transaction: the session is of no more use then.
  ExportedSnapshotReading(postgres::SourceSession& session, postgres::ExportedSnapshotSlot& slot, const Before& before,
                          Texts expected);

  const postgres::Catalog& catalog() const { return catalog_; }
  const postgres::Fingerprint& fingerprint() const { return fingerprint_; }
  // Complete once ReadContents() and Read() have returned true.
  proto::SchemaVersion& schema() { return schema_; }
  Lsn lsn() const { return slot_.lsn(); }  // The snapshot is the state at this LSN.
  const std::vector<proto::Shape>& new_shapes() const { return new_shapes_; }
  // The values are at least those that the sequences had at the snapshot.
  const proto::SequenceValues& sequences() const { return sequences_; }
  // The source's clock just after the snapshot; no transaction that the snapshot does not see has a lower number.
  StoreState::Moment moment() const { return {.time_us = time_us_, .xid = xid_}; }
  // What a store keeps to compare later; `masks` is the fingerprint of the rules that the rows come under.
  StoreState::Fingerprints fingerprints(const std::string& masks) const {
    return {.schema = fingerprint_.schema, .tables = fingerprint_.tables, .masks = masks};
  }

  // All of these return false (or nothing) if the source's schema has changed since the snapshot in a way that makes
  // what was read useless: the caller starts over with a new snapshot.

  // Reads the fingerprints of tables that are not streamed, and the sequences.
  bool ReadContents();

  // Checks whether each of these tables has a row that is older than the transaction `xid`. Returns the tables that
  // have none.
  std::optional<std::set<TableId>> WithoutOldRows(const std::vector<const proto::Table*>& tables, uint64_t xid);

  // Sets the schema's texts, and all else that Read() reads with them, if Read() did not: `before` has the same.
  void KeepTextsOf(const proto::SchemaVersion& before);

  // Copies the rows of these tables into new epochs, which it adds to `state`, and reads the texts.
  bool Read(RowStore& store, const std::set<TableId>& tables, Texts texts, StoreState* state, CopyCounts* counts);

  // Copies what the unfinished baseline in `store` waits for, and completes the baseline at this snapshot: `state` is
  // the store's, published at lsn(). Each table is published as soon as it is complete, and stays so if this returns
  // false or throws. Adds to `counts`.
  bool CompleteBaseline(RowStore& store, StoreState* state, CopyCounts* counts);

 private:
  struct Dumped {
    std::optional<formats::DumpSections> sections;
    std::optional<Error> failure;
    postgres::ShownSettings settings;
  };
  void BeginTexts();
  bool EndTexts();
  void SetTexts(const std::string& pre_data, const std::string& post_data);
  bool TablesAreUnchanged();
  // Returns the results of statements that lock tables, run in a short transaction of their own at the snapshot.
  std::optional<std::vector<postgres::PgResult>> AskShortly(const std::string& statements);

  postgres::SourceSession& session_;
  postgres::ExportedSnapshotSlot& slot_;
  const std::string publication_;
  postgres::Watchdog watchdog_;
  postgres::Catalog catalog_;
  postgres::Fingerprint fingerprint_;
  proto::SchemaVersion schema_;
  std::vector<proto::Shape> new_shapes_;
  proto::SequenceValues sequences_;
  int64_t time_us_ = 0;
  uint64_t xid_ = 0;
  uint64_t next_xid_ = 0;
  std::future<Dumped> dumping_;  // Declared last, since it uses the members above.
};

}  // namespace rotv::capture
