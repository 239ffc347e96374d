#include "storage/store_state.h"

#include <fmt/format.h>

#include <algorithm>

#include "storage/error.h"
#include "storage/garbage.h"

namespace rotv {
namespace {

// A broken invariant ends the run in every build, unlike assert(): a wrong state must never be published.
void Require(bool holds, const std::string& what) {
  if (!holds) throw Error(ErrorCode::kBug, "the state of the store would be wrong: " + what);
}

void SetHead(Lsn lsn, const StoreState::Moment& moment, proto::Manifest* manifest) {
  manifest->set_head_lsn(lsn.value());
  manifest->set_head_time_us(moment.time_us);
  manifest->set_head_xid(moment.xid);
}

void SetFingerprints(const StoreState::Fingerprints& fingerprints, proto::Manifest* manifest) {
  manifest->set_schema_fingerprint(fingerprints.schema);
  manifest->set_table_fingerprint(fingerprints.tables);
  manifest->set_mask_fingerprint(fingerprints.masks);
}

proto::Manifest ManifestOf(const StoreState::Origin& origin, Lsn lsn, const StoreState::Moment& moment) {
  Require(lsn > Lsn(), "its baseline is nowhere");
  proto::Manifest manifest;
  manifest.set_format_version(kFormatVersion);
  *manifest.mutable_source() = origin.source;
  manifest.set_slot(origin.slot);
  manifest.set_publication(origin.publication);
  manifest.set_description(origin.description);
  manifest.set_baseline_lsn(lsn.value());
  manifest.set_baseline_time_us(moment.time_us);
  manifest.set_durable_lsn(lsn.value());
  SetHead(lsn, moment, &manifest);
  return manifest;
}

}  // namespace

StoreState::StoreState() { manifest_.set_format_version(kFormatVersion); }

StoreState::StoreState(proto::Manifest manifest) : manifest_(std::move(manifest)) {
  for (int place = 0; place < manifest_.tables_size(); ++place) places_[manifest_.tables(place).table()] = place;
}

StoreState StoreState::AtBaseline(const Origin& origin, Lsn lsn, const Moment& moment,
                                  const Fingerprints& fingerprints) {
  proto::Manifest manifest = ManifestOf(origin, lsn, moment);
  SetFingerprints(fingerprints, &manifest);
  return StoreState(std::move(manifest));
}

void StoreState::AwaitCopies(const std::set<TableId>& tables) {
  Require(manifest_.tables().empty(), "a baseline begins that has tables");
  MarkOnlyForResync(tables);
  manifest_.set_unfinished(true);
}

StoreState StoreState::Imported(const Origin& origin, Lsn lsn, int64_t time_us) {
  proto::Manifest manifest = ManifestOf(origin, lsn, {.time_us = time_us});
  manifest.set_imported(true);
  manifest.set_detached(true);
  return StoreState(std::move(manifest));
}

StoreState StoreState::OfRemote(const proto::Manifest& theirs, const proto::RemotePosition& position) {
  proto::Manifest manifest = StoreState(theirs).ForRemote();  // Whoever wrote it.
  manifest.set_format_version(kFormatVersion);
  manifest.clear_slot();
  manifest.clear_publication();
  for (proto::Snapshot& snapshot : *manifest.mutable_snapshots()) snapshot.set_from_remote(true);
  *manifest.mutable_remote() = position;
  return StoreState(std::move(manifest));
}

proto::Manifest StoreState::ForRemote() const {
  proto::Manifest manifest = manifest_;
  manifest.clear_pull_in_progress();
  manifest.clear_state_number();
  manifest.clear_files();
  manifest.clear_dropping();
  manifest.clear_collecting();
  manifest.clear_collected_bytes();
  manifest.clear_detached();
  manifest.clear_imported();
  manifest.clear_remote();
  return manifest;
}

StoreState StoreState::FromStored(proto::Manifest manifest) { return StoreState(std::move(manifest)); }

void StoreState::BeginPull() {
  Require(!manifest_.detached(), "a pull begins without a slot");
  manifest_.set_pull_in_progress(true);
}

void StoreState::Advance(Lsn lsn) {
  Require(lsn >= durable_lsn(), fmt::format("it goes back to {}", lsn.ToString()));
  Require(manifest_.pull_in_progress(), "it advances outside of a pull");
  manifest_.set_durable_lsn(lsn.value());
}

void StoreState::EndIncrementalPull(const Moment& moment) {
  Require(manifest_.pull_in_progress(), "a pull ends that did not begin");
  Require(needs_no_resync(), "a pull without a resync ends while a table waits for one");
  SetHead(durable_lsn(), moment, &manifest_);
  manifest_.set_pull_in_progress(false);
}

void StoreState::EndPullWithResync(Lsn lsn, const Moment& moment, const Fingerprints& fingerprints, History history) {
  const Lsn former_head = head_lsn();
  Advance(lsn);
  if (history == History::kBroken) {
    proto::Gap* gap = manifest_.add_gaps();
    gap->set_after_lsn(former_head.value());
    gap->set_before_lsn(lsn.value());
  }
  manifest_.clear_must_copy();
  SetHead(lsn, moment, &manifest_);
  SetFingerprints(fingerprints, &manifest_);
  manifest_.set_pull_in_progress(false);
}

void StoreState::ExplainGap(const std::set<TableId>& copied, GapReason reason) {
  auto* gaps = manifest_.mutable_gaps();
  Require(!gaps->empty() && Lsn(gaps->rbegin()->before_lsn()) == head_lsn(), "a gap is explained that is not there");
  gaps->rbegin()->mutable_copied()->Assign(copied.begin(), copied.end());
  gaps->rbegin()->set_only_unstreamed(reason == GapReason::kUnstreamed);
}

void StoreState::EndPullFromRemote(const proto::Manifest& theirs, const proto::RemotePosition& position) {
  const Lsn former_head = head_lsn();
  Require(Lsn(theirs.head_lsn()) >= former_head, "its head goes back to that of a remote");
  Advance(Lsn(theirs.durable_lsn()));
  for (const proto::TableHistory& from : theirs.tables()) {
    proto::TableHistory& to = HistoryOf(from.table());
    const uint32_t last = to.epochs().empty() ? 0 : to.epochs().rbegin()->number();
    for (const proto::Epoch& epoch : from.epochs()) {
      if (epoch.number() > last) *to.add_epochs() = epoch;
    }
    to.set_last_number(std::max(to.last_number(), from.last_number()));
  }
  // gc there has forgotten the gaps of this time, and they were never known here.
  if (Lsn(theirs.kept_from_lsn()) > former_head) {
    proto::Gap* gap = manifest_.add_gaps();
    gap->set_after_lsn(former_head.value());
    gap->set_before_lsn(theirs.kept_from_lsn());
  }
  for (const proto::Gap& gap : theirs.gaps()) {
    if (Lsn(gap.before_lsn()) > former_head) *manifest_.add_gaps() = gap;
  }
  *manifest_.mutable_must_copy() = theirs.must_copy();
  *manifest_.mutable_source() = theirs.source();
  manifest_.set_description(theirs.description());
  SetHead(Lsn(theirs.head_lsn()), {.time_us = theirs.head_time_us(), .xid = theirs.head_xid()}, &manifest_);
  SetFingerprints(
      {.schema = theirs.schema_fingerprint(), .tables = theirs.table_fingerprint(), .masks = theirs.mask_fingerprint()},
      &manifest_);
  TakeSnapshots(theirs);
  *manifest_.mutable_remote() = position;
  manifest_.set_pull_in_progress(false);
}

void StoreState::TakeSnapshots(const proto::Manifest& theirs) {
  auto* snapshots = manifest_.mutable_snapshots();
  std::set<uint64_t> retained = {manifest_.baseline_lsn()};
  for (const proto::Snapshot& snapshot : *snapshots) retained.insert(snapshot.lsn());
  snapshots->erase(std::remove_if(snapshots->begin(), snapshots->end(),
                                  [](const proto::Snapshot& snapshot) { return snapshot.from_remote(); }),
                   snapshots->end());
  const Lsn kept_from(std::max(manifest_.kept_from_lsn(), manifest_.baseline_lsn()));
  for (const proto::Snapshot& snapshot : theirs.snapshots()) {
    const bool is_ours = std::any_of(snapshots->begin(), snapshots->end(),
                                     [&](const proto::Snapshot& other) { return other.name() == snapshot.name(); });
    // A state that gc has dropped here cannot be had again.
    if (is_ours || (Lsn(snapshot.lsn()) < kept_from && retained.count(snapshot.lsn()) == 0)) continue;
    *snapshots->Add() = snapshot;
    snapshots->rbegin()->set_from_remote(true);
  }
}

void StoreState::AbandonPull() { manifest_.set_pull_in_progress(false); }

void StoreState::MoveBaseline(Lsn lsn, const Moment& moment, const Fingerprints& fingerprints) {
  Require(unfinished(), "a complete baseline is moved");
  Advance(lsn);
  manifest_.set_baseline_lsn(lsn.value());
  manifest_.set_baseline_time_us(moment.time_us);
  manifest_.set_log_from_lsn(lsn.value());
  SetHead(lsn, moment, &manifest_);
  SetFingerprints(fingerprints, &manifest_);
  manifest_.set_pull_in_progress(false);
}

void StoreState::CompleteTable(TableId table, EpochNumber number, const Copied& copied) {
  auto* waiting = manifest_.mutable_must_copy();
  const auto found = std::find(waiting->begin(), waiting->end(), table);
  Require(unfinished() && found != waiting->end(), fmt::format("table {} was not to be copied", table));
  AddEpoch(table, number, Lsn(manifest_.baseline_lsn() - 1));
  waiting->erase(found);
  HistoryOf(table).set_copied_rows(copied.rows);
  HistoryOf(table).set_copied_bytes(copied.bytes);
}

void StoreState::EndBaseline(uint64_t bytes) {
  Require(unfinished() && needs_no_resync(), "a baseline ends that is not complete");
  manifest_.set_unfinished(false);
  NoteSize(bytes);
}

void StoreState::MarkForResync(TableId table) {
  const auto& marked = manifest_.must_copy();
  if (std::find(marked.begin(), marked.end(), table) == marked.end()) manifest_.add_must_copy(table);
}

void StoreState::MarkOnlyForResync(const std::set<TableId>& tables) {
  manifest_.mutable_must_copy()->Assign(tables.begin(), tables.end());
}

const proto::TableHistory* StoreState::Find(TableId table) const {
  const auto found = places_.find(table);
  return found == places_.end() ? nullptr : &manifest_.tables(found->second);
}

proto::TableHistory& StoreState::HistoryOf(TableId table) {
  const auto [found, added] = places_.emplace(table, manifest_.tables_size());
  if (added) manifest_.add_tables()->set_table(table);
  return *manifest_.mutable_tables(found->second);
}

EpochNumber StoreState::CurrentEpoch(TableId table) const {
  const proto::TableHistory* history = Find(table);
  Require(history != nullptr && !history->epochs().empty(), fmt::format("table {} has no epoch", table));
  return history->epochs().rbegin()->number();
}

EpochNumber StoreState::Truncate(TableId table, Lsn commit_lsn) {
  Require(commit_lsn >= durable_lsn(), "a table is emptied by a transaction that is durable");
  (void)CurrentEpoch(table);
  const EpochNumber number = ReserveEpoch(table);
  AddEpoch(table, number, commit_lsn);
  return number;
}

EpochNumber StoreState::ReserveEpoch(TableId table) {
  proto::TableHistory& history = HistoryOf(table);
  history.set_last_number(history.last_number() + 1);
  return history.last_number();
}

void StoreState::AddEpoch(TableId table, EpochNumber number, Lsn start_lsn) {
  const proto::TableHistory* known = Find(table);
  Require(known != nullptr && number <= known->last_number(), "an epoch has a number that was not reserved");
  if (!known->epochs().empty()) {
    const proto::Epoch& last = *known->epochs().rbegin();
    Require(number > last.number(), "the number of an epoch is used again");
    Require(start_lsn >= Lsn(last.start_lsn()), "an epoch begins before the one that it ends");
  }
  proto::Epoch* epoch = HistoryOf(table).add_epochs();
  epoch->set_number(number);
  epoch->set_start_lsn(start_lsn.value());
}

StoreState::EpochCounts StoreState::CountEpochs() const {
  EpochCounts counts;
  for (const proto::TableHistory& history : manifest_.tables()) counts[history.table()] = history.epochs_size();
  return counts;
}

std::vector<proto::DroppedEpoch> StoreState::TakeBackEpochs(const EpochCounts& before) {
  std::vector<proto::DroppedEpoch> taken;
  for (proto::TableHistory& history : *manifest_.mutable_tables()) {
    const auto counted = before.find(history.table());
    for (const int known = counted == before.end() ? 0 : counted->second; history.epochs_size() > known;) {
      proto::DroppedEpoch& epoch = taken.emplace_back();
      epoch.set_table(history.table());
      epoch.set_epoch(history.epochs().rbegin()->number());
      history.mutable_epochs()->RemoveLast();
    }
  }
  return taken;
}

void StoreState::AddSnapshot(const proto::Snapshot& snapshot) {
  Require(Lsn(snapshot.lsn()) <= head_lsn(), "a snapshot is after the head");
  Require(std::none_of(manifest_.snapshots().begin(), manifest_.snapshots().end(),
                       [&](const proto::Snapshot& other) { return other.name() == snapshot.name(); }),
          "two snapshots have one name");
  *manifest_.add_snapshots() = snapshot;
}

bool StoreState::RemoveSnapshot(const std::string& name) {
  auto* snapshots = manifest_.mutable_snapshots();
  const auto end = std::remove_if(snapshots->begin(), snapshots->end(),
                                  [&](const proto::Snapshot& snapshot) { return snapshot.name() == name; });
  const bool found = end != snapshots->end();
  snapshots->erase(end, snapshots->end());
  return found;
}

void StoreState::Detach() { manifest_.set_detached(true); }

void StoreState::BeginCollection(const Retention& retention, const std::set<TableId>& tables, Lsn log_from,
                                 int64_t kept_from_time_us) {
  Require(retention.keep_from() >= Lsn(manifest_.kept_from_lsn()), "states are to be kept that are gone");
  Require(log_from >= Lsn(manifest_.log_from_lsn()), "transactions are to be kept that are gone");
  manifest_.set_collecting(true);
  manifest_.set_kept_from_lsn(retention.keep_from().value());
  manifest_.set_kept_from_time_us(kept_from_time_us);
  manifest_.set_log_from_lsn(log_from.value());
  ForgetEpochs(retention, tables, &manifest_);
}

void StoreState::EndCollection(uint64_t bytes) {
  Require(manifest_.collecting(), "a collection ends that did not begin");
  manifest_.clear_dropping();
  manifest_.set_collecting(false);
  NoteSize(bytes);
}

}  // namespace rotv
