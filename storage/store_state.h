// The state of a store: what it has of which source, and up to where. It owns the manifest: whoever changes the state
// does so by one of the transitions below, each of which checks its own invariant and throws kBug where that does not
// hold. RowStore::Publish() makes a state durable and visible.
//
// A state is a value: a run changes a copy, which nobody sees before it is published. One thread at a time may use one.

#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "proto/store.pb.h"
#include "storage/lsn.h"
#include "storage/retention.h"
#include "storage/row_version.h"

namespace rotv {

inline constexpr uint32_t kFormatVersion = 2;

class StoreState {
 public:
  // Where the rows come from.
  struct Origin {
    proto::SourceIdentity source;
    std::string slot;
    std::string publication;
    std::string description;  // For people.
  };
  // When a head was the source's present.
  struct Moment {
    int64_t time_us = 0;  // By the source's clock.
    uint64_t xid = 0;     // As Manifest.head_xid.
  };
  // What a later pull compares, to tell whether the stream is enough.
  struct Fingerprints {
    std::string schema;
    std::string tables;
    std::string masks;
  };

  // That of a new store.
  StoreState();
  // The state of a store at its baseline, before any table has rows.
  static StoreState AtBaseline(const Origin& origin, Lsn lsn, const Moment& moment, const Fingerprints& fingerprints);
  // The state of a store that comes from a file: one point, which is its baseline and its head, and no slot.
  static StoreState Imported(const Origin& origin, Lsn lsn, int64_t time_us);
  // For RowStore, which reads manifests, and for tests. Nothing is checked.
  static StoreState FromStored(proto::Manifest manifest);

  const proto::Manifest& manifest() const { return manifest_; }
  // Everything before it is on disk, once the state is published.
  Lsn durable_lsn() const { return Lsn(manifest_.durable_lsn()); }
  // Where the last complete pull ended; at most the durable LSN.
  Lsn head_lsn() const { return Lsn(manifest_.head_lsn()); }
  // No table waits for a resync.
  bool needs_no_resync() const { return manifest_.must_copy().empty(); }

  // --- A pull

  // Rows at or after the durable LSN may be written from now on. Not for a store without a slot.
  void BeginPull();
  // Everything that commits before `lsn` is stored. The durable LSN never goes back, and moves in a pull only.
  void Advance(Lsn lsn);
  // Ends a pull for which the stream was enough: the head is where the stream has come to. No table may wait for a
  // resync.
  void EndIncrementalPull(const Moment& moment);
  // Ends a pull at the snapshot of `lsn`, at or after the durable LSN: no table waits for a resync any more. kBroken
  // leaves a gap between the former head and this one, where no state can be had.
  enum class History { kUnbroken, kBroken };
  void EndPullWithResync(Lsn lsn, const Moment& moment, const Fingerprints& fingerprints, History history);
  // Ends a pull that was killed: what it has published stays, all else is gone.
  void AbandonPull();

  // --- Tables. The number of an epoch is never given twice to one table, not even to a copy that was given up; the
  // epochs of a table begin in the order of their numbers.

  // Changes of this table are not stored from now on: the next pull resyncs it. Marking it twice is no harm.
  void MarkForResync(TableId table);
  // These tables, and no others, wait for a resync.
  void MarkOnlyForResync(const std::set<TableId>& tables);

  // The epoch that the table's changes belong to now. There must be one.
  EpochNumber CurrentEpoch(TableId table) const;
  // Begins an epoch without rows, which serves the states after `commit_lsn`, that of a transaction that is not
  // durable.
  EpochNumber Truncate(TableId table, Lsn commit_lsn);
  // The number for a copy of the table, which nobody sees before AddEpoch().
  EpochNumber ReserveEpoch(TableId table);
  // The copy is complete: from now on it serves the states after `start_lsn`. Its number was reserved.
  void AddEpoch(TableId table, EpochNumber number, Lsn start_lsn);
  // How many epochs each table has.
  using EpochCounts = std::map<TableId, int>;
  EpochCounts CountEpochs() const;
  // Takes back the epochs that were added since; gives them. Their numbers stay used.
  std::vector<proto::DroppedEpoch> TakeBackEpochs(const EpochCounts& before);

  // --- Names, and the end

  // Names are unique, and name nothing that is after the head.
  void AddSnapshot(const proto::Snapshot& snapshot);
  // False if there is none of this name.
  bool RemoveSnapshot(const std::string& name);
  // Slot and publication are to be removed: no pull begins any more.
  void Detach();

  // --- Garbage collection

  // Nobody is promised any more what `retention` does not keep; what is to be dropped is written down. `tables` are
  // those that some state that stays has. What is kept begins no earlier than before.
  void BeginCollection(const Retention& retention, const std::set<TableId>& tables, Lsn log_from,
                       int64_t kept_from_time_us);
  // All of that is gone; the store takes so many bytes now.
  void EndCollection(uint64_t bytes);

 private:
  explicit StoreState(proto::Manifest manifest);
  const proto::TableHistory* Find(TableId table) const;
  proto::TableHistory& HistoryOf(TableId table);

  proto::Manifest manifest_;
  std::map<TableId, int> places_;  // Of each table's history in the manifest.
};

}  // namespace rotv
