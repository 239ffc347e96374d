// Every version of every row, by table, epoch, key and commit LSN; beside them schemas, sequences, the change log and
// the manifest, in one RocksDB. FORMAT.md describes keys and values.
//
// One process may open a store at a time. Write(), Newest() and scans may be called from any thread; Publish() from
// one.

#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/store.pb.h"
#include "storage/lsn.h"
#include "storage/retention.h"
#include "storage/row_scan.h"
#include "storage/row_version.h"
#include "storage/shape_map.h"
#include "storage/version_buffer.h"

namespace rotv {

inline constexpr uint32_t kFormatVersion = 2;

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
  uint32_t shape = 0;  // Which one the lines are to have; 0: the one that each was stored with.
  enum class Access { kAllRows, kSomeRows };
  Access access = Access::kAllRows;  // kSomeRows: for Find(). Reads no more ahead than it has to.
};

struct GarbageCounts {
  uint64_t versions = 0;  // That there were.
  uint64_t dropped = 0;   // Of them, without those of whole epochs.
  uint64_t epochs = 0;    // That were dropped whole.
};

class RowStore {
 public:
  enum class Mode { kCreate, kReadWrite, kReadOnly };
  // kCreate makes a new store in `directory`, which must not exist. Throws kInUse if another process has it, kDisk if
  // it cannot be read and written, or if its format is not this program's; kCorrupt if it is damaged. Rows that a
  // killed pull left behind unpublished are removed, unless kReadOnly.
  static std::unique_ptr<RowStore> Open(const std::filesystem::path& directory, Mode mode);
  virtual ~RowStore() = default;

  // As it was last published. The reference stays valid; its content changes with Publish().
  virtual const proto::Manifest& manifest() const = 0;

  // Writes versions to disk, synced. Scans do not see those at or after the published durable LSN. Before the first
  // version at or after it, a manifest with pull_in_progress must have been published.
  virtual void Write(const VersionBuffer& versions) = 0;

  // Adds chunks of the change log, from ChangeLogBuilder. Durable and visible with the next Publish().
  virtual void WriteLog(const std::vector<std::pair<std::string, std::string>>& chunks) = 0;

  // What becomes visible together with a manifest.
  struct Addition {
    std::optional<std::pair<Lsn, proto::SchemaVersion>> schema;
    std::optional<std::pair<Lsn, proto::SequenceValues>> sequences;
    std::vector<proto::Shape> shapes;  // Before the first row that has one of them. Nobody else may read meanwhile.
  };
  // Makes `manifest` and `addition` durable, in one step. Once this returns it survives power loss, and
  // manifest.durable_lsn may be acknowledged to the source. Throws kDisk if that cannot be promised.
  virtual void Publish(const proto::Manifest& manifest, const Addition& addition) = 0;

  // The newest version of a row on disk, published or not; a partial one is made whole from older versions, as far as
  // they are on disk. `storage` holds the bytes that its text points into.
  virtual std::optional<VersionBuffer::Found> Newest(std::string_view row_prefix, std::string* storage) const = 0;

  // The rows of a table in an epoch as they were at an LSN.
  virtual std::unique_ptr<RowScan> ScanAt(const ScanRequest& request) const = 0;

  // Those of every row in the store.
  virtual const ShapeMap& shapes() const = 0;

  // Removes all rows of an epoch that no manifest names.
  virtual void DropEpoch(TableId table, EpochNumber epoch) = 0;

  // Cuts a table's keys into about `parts` ranges of like size on disk; one range for a small table.
  virtual std::vector<KeyRange> Split(TableId table, EpochNumber epoch, size_t parts) const = 0;

  // The schema in force at `lsn`; sequences as the first pull at or after `lsn` saw them.
  virtual proto::SchemaVersion SchemaAt(Lsn lsn) const = 0;
  virtual proto::SequenceValues SequencesAt(Lsn lsn) const = 0;
  // From which LSNs on another schema was in force, in order.
  virtual std::vector<Lsn> SchemaLsns() const = 0;

  // Calls `visit` for each published transaction with from <= commit_lsn, in order, until it returns false. A large
  // transaction comes in several pieces of the same commit_lsn, all but the last one `continued`.
  virtual void VisitLog(Lsn from, const std::function<bool(const proto::Transaction&)>& visit) const = 0;

  // The last published transaction with commit_lsn < before, or its last piece; nothing if there is none in the log.
  virtual std::optional<proto::Transaction> LastLogged(Lsn before) const = 0;

  // Goes through the versions of all rows: table by table, row by row, the newest first. Key and version live until
  // the return. A partial version has kUnchangedField where an older one says more.
  virtual void VisitVersions(
      const std::function<void(const VersionKey& key, const RowVersion& version, size_t bytes)>& visit) const = 0;

  // Drops what no state needs that `retention` keeps, from the change log what is before `log_from`, and gives the room
  // back. The head and the baseline must be among the points. Everything that stays can be read as before. May be
  // broken off at any moment, by a kill or by what `look` throws, which is called now and then with the number of
  // versions seen: then the next call completes it. Nobody else may use the store meanwhile.
  virtual GarbageCounts CollectGarbage(const Retention& retention, Lsn log_from, int64_t kept_from_time_us,
                                       const std::function<void(uint64_t)>& look) = 0;

  // Bytes on disk.
  virtual uint64_t DiskBytes() const = 0;

  // Merges what small pulls or small tables left in many files, when there are so many that scans slow down. What that
  // costs is bounded by what was written since, not by the store (tidy.h). Not at the same time as Write().
  virtual void Compact() = 0;
};

}  // namespace rotv
