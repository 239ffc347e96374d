// RowStore keeps every version of every row, by table, epoch, row key and commit LSN, together with schemas, sequences,
// the change log and the manifest, in one RocksDB. FORMAT.md describes keys and values.
//
// One process at a time may open a store. Write(), WritePages(), Newest() and scans may be called by any thread, also
// while another one publishes; Publish() by only one at a time.

#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "proto/store.pb.h"
#include "storage/compaction_owed.h"
#include "storage/data_file.h"
#include "storage/lsn.h"
#include "storage/retention.h"
#include "storage/row_page.h"
#include "storage/row_scan.h"
#include "storage/row_version.h"
#include "storage/shape_map.h"
#include "storage/store_state.h"
#include "storage/version_buffer.h"

namespace rotv {

// A part of a table's keys: [begin, end), an empty end meaning the table's end.
struct KeyRange {
  std::string begin;
  std::string end;
};

struct ScanRequest {
  TableId table = 0;
  EpochNumber epoch = 0;
  Lsn lsn;
  KeyRange range = {};
  uint32_t shape = 0;  // The shape that lines are converted to; 0: each keeps the one it was stored with.
  enum class Access { kAllRows, kSomeRows };
  Access access = Access::kAllRows;  // kSomeRows is for Find(): it reads ahead no more than it must.
};

struct GarbageCounts {
  uint64_t versions = 0;  // Versions seen.
  uint64_t dropped = 0;   // Versions dropped, not counting those of whole epochs.
  uint64_t epochs = 0;    // Epochs dropped as a whole.
};

class RowStore {
 public:
  // kInspect opens for reading, also if files of rows or of the change log are missing or damaged: reading what is in
  // them throws.
  enum class Mode { kCreate, kReadWrite, kReadOnly, kInspect };
  // Opens a store; kCreate creates a new one in `directory`, which must not exist. Throws kInUse if another process has
  // it open, kDisk if it cannot be read and written, or if its format is not this program's; kCorrupt if it is damaged.
  // Removes the unpublished rows that a killed pull left, with kReadWrite.
  static std::unique_ptr<RowStore> Open(const std::filesystem::path& directory, Mode mode);
  virtual ~RowStore() = default;

  // Where its files are.
  virtual const std::filesystem::path& directory() const = 0;

  // The state as it was last published. The reference stays valid; its content changes with Publish().
  virtual const StoreState& state() const = 0;
  const proto::Manifest& manifest() const { return state().manifest(); }

  // Writes versions to disk, synced. Scans do not see those at or after the published durable LSN. Before a version at
  // or after that LSN is written, a state after BeginPull() must have been published. Returns the table of a row that
  // was added twice to a buffer without an index; then nothing was written. Throws kDisk before the disk is quite full
  // (free_space.h), so that what was written before can be published.
  virtual std::optional<TableId> Write(const VersionBuffer& versions) = 0;

  // Writes rows of a copy to disk, synced, where they are as those of Write(). No page may lie between two rows of
  // another page of the same table and epoch that is or will be there. Returns and throws as Write() does, of those
  // that are in no page.
  virtual std::optional<TableId> WritePages(const PageBuffer& rows) = 0;

  // Adds chunks of the change log, from ChangeLogBuilder. They are durable and visible with the next Publish().
  virtual void WriteLog(const std::vector<std::pair<std::string, std::string>>& chunks) = 0;

  // Addition is what becomes visible together with a state.
  struct Addition {
    std::optional<std::pair<Lsn, proto::SchemaVersion>> schema;
    std::optional<std::pair<Lsn, proto::SequenceValues>> sequences;
    // Further ones, of a history that comes from elsewhere.
    std::vector<std::pair<Lsn, proto::SchemaVersion>> more_schemas = {};
    std::vector<std::pair<Lsn, proto::SequenceValues>> more_sequences = {};
    // New shapes; they are added before the first row that has one of them. Others may read meanwhile
    // (shape_map.h).
    std::vector<proto::Shape> shapes;
  };
  // Makes `state` and `addition` durable atomically. Once this returns, everything before state.durable_lsn() survives
  // power loss, and that LSN may be acknowledged to the source. Throws kDisk if that cannot be promised.
  virtual void Publish(const StoreState& state, const Addition& addition) = 0;

  // The newest version of a row on disk, published or not. A partial version is completed from older ones, as far as
  // they are on disk. `*storage` holds the bytes that its text points into.
  virtual std::optional<VersionBuffer::Found> Newest(std::string_view row_prefix, std::string* storage) const = 0;

  // The rows of a table in an epoch as they were at an LSN.
  virtual std::unique_ptr<RowScan> ScanAt(const ScanRequest& request) const = 0;

  // The shapes of all rows in the store.
  virtual const ShapeMap& shapes() const = 0;

  // Removes all rows of an epoch that the manifest does not name.
  virtual void DropEpoch(TableId table, EpochNumber epoch) = 0;

  // Removes what killed copies of these tables have left: all rows in epochs after the last one that the manifest
  // lists. Durable with the next Publish().
  virtual void DropUnlistedEpochs(const std::set<TableId>& tables) = 0;

  // Cuts a table's keys into at most `parts` ranges of similar size on disk; one range for a small table.
  virtual std::vector<KeyRange> Split(TableId table, EpochNumber epoch, size_t parts) const = 0;

  // The schema in force at `lsn`. Throws kCorrupt if there is none. SequencesAt() gives the values that the first pull
  // at or after `lsn` read.
  virtual proto::SchemaVersion SchemaAt(Lsn lsn) const = 0;
  virtual proto::SequenceValues SequencesAt(Lsn lsn) const = 0;
  // The LSNs from which on another schema was in force, in order.
  virtual std::vector<Lsn> SchemaLsns() const = 0;
  // The LSNs under which values of sequences are stored, in order.
  virtual std::vector<Lsn> SequenceLsns() const = 0;

  // A place at which the head was.
  struct Head {
    Lsn lsn;
    int64_t time_us = 0;  // When it was last there, by the source's clock.
  };
  // The last head at or before `lsn` whose time is known; nullopt if there is none. gc forgets heads.
  virtual std::optional<Head> LastHead(Lsn lsn) const = 0;

  // Calls `visit` for each published transaction with from <= commit_lsn (and Manifest.log_from_lsn), in order, until
  // it returns false. A large transaction comes in several pieces with the same commit_lsn, all but the last one
  // `continued`.
  virtual void VisitLog(Lsn from, const std::function<bool(const proto::Transaction&)>& visit) const = 0;

  // The last published transaction with commit_lsn < before, or its last piece; nullopt if the change log has none.
  virtual std::optional<proto::Transaction> LastLogged(Lsn before) const = 0;

  // Calls `visit` for the versions of all rows: table by table, row by row, the newest first. Key and version are valid
  // only during the call. A partial version has kUnchangedField where an older one has the value. Those that commit
  // before `from` are left out, and files that have no others are not read.
  virtual void VisitVersions(
      const std::function<void(const VersionKey& key, const RowVersion& version, size_t bytes)>& visit,
      Lsn from = Lsn()) const = 0;

  // Drops the versions that no state retained by `retention` needs, and the change log before `log_from`, and frees
  // their disk space. The head and the baseline must be among the points. Retained states can be read as before. `look`
  // is called now and then with the number of versions seen, and may throw. After a kill or such a throw the next call
  // completes the work. No other thread may use the store meanwhile.
  virtual GarbageCounts CollectGarbage(const Retention& retention, Lsn log_from, int64_t kept_from_time_us,
                                       const std::function<void(uint64_t)>& look) = 0;

  // The files of RocksDB's tables that the store has, by RocksDB's own list of them.
  virtual std::vector<DataFile> DataFiles() const = 0;

  // Bytes on disk.
  virtual uint64_t DiskBytes() const = 0;

  // How many versions there are; not exact.
  virtual uint64_t VersionsEstimate() const = 0;

  // Says whether Compact() has anything to do. kMuch: it should not wait, as reads take much memory until then.
  virtual CompactionOwed compaction_owed() const = 0;

  // Merges the many files that small pulls or small tables left, once scans slow down because of them. The cost is
  // bounded by what was written since, not by the size of the store (row_compaction.h). Does less, or nothing, where
  // the disk has no room for it. Must not run at the same time as Write(). Where the process is killed in it, the next
  // call goes on.
  virtual void Compact() = 0;
};

}  // namespace rotv
