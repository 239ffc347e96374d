// What is read at the snapshot that a slot's creation exported: the schema and, of the tables that are asked for, the
// rows. The baseline and a pull that has to copy tables again both stand on it.

#pragma once

#include <future>
#include <memory>
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
#include "sync/postgres/exported_snapshot_slot.h"
#include "sync/postgres/fingerprint.h"
#include "sync/postgres/watchdog.h"
#include "sync/schema/schema_version.h"

namespace rotv::capture {

class ExportedSnapshotReading {
 public:
  // The schema as SQL. It takes longer than all else where no table is copied: whoever will need it says so at once.
  enum class Texts { kRead, kKnown };

  // What the caller knows, and has: all outlive this.
  struct Before {
    const std::string& publication;    // Ours.
    const ShapeMap& shapes;            // The store's.
    const mask::MaskLineage& lineage;  // The masks that the store's rows came under.
    mask::PiiSampler& sampler;         // On the session's connection; it has looked at what was there before.
  };
  // Reads the catalogue, and begins to read the texts. Session and slot outlive this. Throws what ReadMaskedCatalog()
  // does.
  ExportedSnapshotReading(postgres::SourceSession& session, postgres::ExportedSnapshotSlot& slot, const Before& before,
                          Texts expected);

  const postgres::Catalog& catalog() const { return catalog_; }
  const postgres::Fingerprint& fingerprint() const { return fingerprint_; }
  // Complete once ReadContents() and Read() have returned true.
  proto::SchemaVersion& schema() { return schema_; }
  const std::vector<proto::Shape>& new_shapes() const { return new_shapes_; }
  // At least what they had at the snapshot.
  const proto::SequenceValues& sequences() const { return sequences_; }
  // By the source's clock just after the snapshot; no transaction that the snapshot does not see has a lower number.
  StoreState::Moment moment() const { return {.time_us = time_us_, .xid = xid_}; }
  // As a store keeps them, with that of the masks that the rows come under.
  StoreState::Fingerprints fingerprints(const std::string& masks) const {
    return {.schema = fingerprint_.schema, .tables = fingerprint_.tables, .masks = masks};
  }

  // All of these give false if the source's schema has changed since the snapshot in a way that makes what was read
  // useless: the caller starts over with a new snapshot.

  // Reads the fingerprints of tables that are not streamed, and the sequences.
  bool ReadContents();

  // Whether each of these tables has a row that is older than the transaction `xid`. Gives those that have none.
  std::optional<std::set<TableId>> WithoutOldRows(const std::vector<const proto::Table*>& tables, uint64_t xid);

  // Copies the rows of these tables into new epochs, which it adds to `state`, and reads the texts.
  bool Read(RowStore& store, const std::set<TableId>& tables, Texts texts, StoreState* state, CopyCounts* counts);

 private:
  struct Dumped {
    std::optional<formats::DumpSections> sections;
    std::optional<Error> failure;
    postgres::Fingerprint fingerprint;  // Behind the dump.
  };
  void BeginTexts();
  bool EndTexts();
  // The answers to statements that lock tables, in a short transaction of their own on the snapshot.
  std::optional<std::vector<postgres::PgResult>> AskShortly(const std::string& statements);

  postgres::SourceSession& session_;
  postgres::ExportedSnapshotSlot& slot_;
  const std::string publication_;
  std::unique_ptr<postgres::PgConnection> reader_;
  postgres::Watchdog watchdog_;
  postgres::Catalog catalog_;
  postgres::Fingerprint fingerprint_;
  proto::SchemaVersion schema_;
  std::vector<proto::Shape> new_shapes_;
  proto::SequenceValues sequences_;
  int64_t time_us_ = 0;
  uint64_t xid_ = 0;
  uint64_t next_xid_ = 0;
  std::future<Dumped> dumping_;  // Last: it uses the above.
};

}  // namespace rotv::capture
