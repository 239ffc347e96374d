// StoreState is the state of a store: what it has of which source, and up to which LSN. It owns the manifest. Every
// change of the state is one of the transitions below. Each checks its own invariant, and throws kBug if that does not
// hold. RowStore::Publish() makes a state durable and visible.
//
// A state is a value: a run changes a copy, which readers do not see before it is published. One thread at a time may
// use a state.

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

inline constexpr uint32_t kFormatVersion = 4;
// Stores of this format and later ones are read; they become kFormatVersion when they are next written.
inline constexpr uint32_t kOldestFormatVersion = 2;

class StoreState {
 public:
  // Origin says where the rows come from.
  struct Origin {
    proto::SourceIdentity source;
    std::string slot;
    std::string publication;
    std::string description;  // The source as its link describes it, for people.
  };
  // Moment says when a head was the source's present.
  struct Moment {
    int64_t time_us = 0;  // By the source's clock.
    uint64_t xid = 0;     // Manifest.head_xid.
  };
  // A later pull compares the fingerprints to tell whether the stream is enough.
  struct Fingerprints {
    std::string schema;
    std::string tables;
    std::string masks;
  };

  // Makes the state of a new, empty store.
  StoreState();
  // Makes the state of a store at its baseline, before any table has rows.
  static StoreState AtBaseline(const Origin& origin, Lsn lsn, const Moment& moment, const Fingerprints& fingerprints);
  // Says that the baseline is not complete: these tables wait to be copied. For a state AtBaseline().
  void AwaitCopies(const std::set<TableId>& tables);
  // Makes the state of a store that comes from a file: it has one point, its baseline and head, and no slot.
  static StoreState Imported(const Origin& origin, Lsn lsn, int64_t time_us);
  // Makes the state of a store that follows a remote, as it is published there: with all that is kept there, and
  // without a slot. `theirs` was checked (sync/remote).
  static StoreState OfRemote(const proto::Manifest& theirs, const proto::RemotePosition& position);
  // Takes a manifest as it is, unchecked. For RowStore, which reads manifests, and for tests.
  static StoreState FromStored(proto::Manifest manifest);

  const proto::Manifest& manifest() const { return manifest_; }
  // The manifest without what is only of use to the store that it is in.
  proto::Manifest ForRemote() const;
  // Everything before the durable LSN is on disk once the state is published.
  Lsn durable_lsn() const { return Lsn(manifest_.durable_lsn()); }
  // The head is where the last complete pull ended; it is at most the durable LSN.
  Lsn head_lsn() const { return Lsn(manifest_.head_lsn()); }
  // Says that rows are about to be written at the head, or were: who publishes this store must publish all of it.
  void NoteRepair() { manifest_.set_repairs(manifest_.repairs() + 1); }
  // True if no table waits for a resync.
  bool needs_no_resync() const { return manifest_.must_copy().empty(); }

  // --- Pulls

  // Allows rows at or after the durable LSN to be written. The store must have a slot.
  void BeginPull();
  // Says that everything that commits before `lsn` is stored. The durable LSN never goes back, and moves only in a
  // pull.
  void Advance(Lsn lsn);
  // Ends a pull for which the stream was enough: the durable LSN becomes the head. No table may wait for a resync.
  void EndIncrementalPull(const Moment& moment);
  // Ends a pull at the exported snapshot of `lsn`, which is at or after the durable LSN: no table waits for a resync
  // any more. kBroken leaves a gap, without states, between the former head and this one.
  enum class History { kUnbroken, kBroken };
  void EndPullWithResync(Lsn lsn, const Moment& moment, const Fingerprints& fingerprints, History history);
  // Says of the last gap, which EndPullWithResync() has just left, which tables were resynced. kUnstreamed: they had
  // changed, and are not streamed; nothing else made the gap.
  enum class GapReason { kUnstreamed, kAlsoOthers };
  void ExplainGap(const std::set<TableId>& copied, GapReason reason);
  // Ends a pull from a remote: the state becomes the published one, of the same history. What was kept here stays, also
  // if it is no longer kept there; so do snapshots that were made here. Of two with one name ours stays.
  void EndPullFromRemote(const proto::Manifest& theirs, const proto::RemotePosition& position);
  // Ends a pull that was killed: what it had published stays, and RowStore has removed the rest.
  void AbandonPull();

  // --- A baseline that is not complete

  bool unfinished() const { return manifest_.unfinished(); }
  // Moves the baseline to `lsn`, where it is going on: the tables that are here were brought there by a pull, which
  // ends with this, and the others are copied there. No state before `lsn` is ever offered.
  void MoveBaseline(Lsn lsn, const Moment& moment, const Fingerprints& fingerprints);
  // Says that the copy of a table with this reserved number is complete at the baseline.
  struct Copied {
    uint64_t rows = 0;
    uint64_t bytes = 0;
  };
  void CompleteTable(TableId table, EpochNumber number, const Copied& copied);
  // Says that all of the baseline is here, and takes `bytes`: no table may wait to be copied.
  void EndBaseline(uint64_t bytes);

  // --- Tables
  //
  // A table's epochs begin in the order of their numbers. A number is never used again, even if the copy that it was
  // reserved for is aborted.

  // Says that changes of the table are not stored from now on: the next pull resyncs it. A second mark changes nothing.
  void MarkForResync(TableId table);
  // Marks these tables, and unmarks all others.
  void MarkOnlyForResync(const std::set<TableId>& tables);

  // Gives the epoch that the table's changes belong to now. There must be one.
  EpochNumber CurrentEpoch(TableId table) const;
  // Begins an epoch without rows for the states after `commit_lsn`, whose transaction must not be durable yet.
  EpochNumber Truncate(TableId table, Lsn commit_lsn);
  // Gives a number for a copy of the table, which stays invisible until AddEpoch().
  EpochNumber ReserveEpoch(TableId table);
  // Says that the copy with this reserved number is complete: it serves the states after `start_lsn`.
  void AddEpoch(TableId table, EpochNumber number, Lsn start_lsn);
  // Counts the epochs of each table.
  using EpochCounts = std::map<TableId, int>;
  EpochCounts CountEpochs() const;
  // Removes the epochs that were added after `before` was counted, and gives them. Their numbers stay used.
  std::vector<proto::DroppedEpoch> TakeBackEpochs(const EpochCounts& before);

  // --- Snapshots, detaching

  // Adds a name. It must be a new one, for a point at or before the head.
  void AddSnapshot(const proto::Snapshot& snapshot);
  // Removes a name; gives false if there is no such name.
  bool RemoveSnapshot(const std::string& name);
  // Says that slot and publication are to be removed: no pull may begin any more.
  void Detach();

  // --- Garbage collection

  // Withdraws the states that `retention` does not keep, and records the epochs to be dropped. `tables` are those of
  // the states that stay. The history that is kept may not begin earlier than it did.
  void BeginCollection(const Retention& retention, const std::set<TableId>& tables, Lsn log_from,
                       int64_t kept_from_time_us);
  // Says that all of that is dropped; the store takes `bytes` now.
  void EndCollection(uint64_t bytes);
  // Says that the store takes `bytes` and has nothing to be dropped: what it grows by is counted from there.
  void NoteSize(uint64_t bytes) { manifest_.set_collected_bytes(bytes); }

 private:
  explicit StoreState(proto::Manifest manifest);
  const proto::TableHistory* Find(TableId table) const;
  proto::TableHistory& HistoryOf(TableId table);
  // Replaces the snapshots that came from a remote.
  void TakeSnapshots(const proto::Manifest& theirs);

  proto::Manifest manifest_;
  std::map<TableId, int> places_;  // The index of each table's history in the manifest.
};

}  // namespace rotv
