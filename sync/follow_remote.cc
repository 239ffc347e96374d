#include "sync/follow_remote.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <vector>

#include "os/clock.h"
#include "storage/error.h"
#include "storage/remote_head_name.h"
#include "storage/row_store.h"
#include "sync/compact.h"
#include "sync/context/open_workspace.h"
#include "sync/gc.h"
#include "sync/history/point.h"
#include "sync/remote/head_object.h"
#include "sync/remote/object_fetch.h"
#include "sync/remote/object_hash.h"
#include "sync/remote/open_place.h"
#include "sync/remote/position.h"
#include "sync/remote/step_intake.h"
#include "sync/remote/step_path.h"
#include "sync/remote/step_reader.h"

namespace rotv {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using remote::Steps;

remote::FoundHead ReadHead(remote::RemotePlace& place, const remote::FollowerKeys& keys) {
  remote::FoundHead found = remote::ReadHeadOf(place, keys);
  for (const proto::Snapshot& snapshot : found.head.state().snapshots()) {
    const bool has_name =
        history::IsSnapshotName(snapshot.name()) && snapshot.name() != "head" && snapshot.name() != "baseline";
    if (!has_name) {
      throw Error(ErrorCode::kCorrupt,
                  fmt::format("the remote {} has a snapshot whose name none can have", place.description()),
                  "have it published again by the machine that follows the source");
    }
  }
  return found;
}

class Following {
 public:
  Following(const Context& context, OlderHead older)
      : context_(context),
        older_(older),
        keys_(remote::KeysOf(context.source)),
        place_(remote::OpenFollowed(context)),
        workspace_(OpenWorkspace(context, "pull")) {}

  FollowResult Run() {
    const Clock::time_point start = Clock::now();
    place_->KeepHeadIn(workspace_.directory() / kRemoteHeadName);
    constexpr int kMostHeads = 5;  // One to go on with each time is more than a publisher at work has.
    for (int heads = 1; !TakeHead(heads < kMostHeads ? Newer::kTake : Newer::kLeave); ++heads) {
      context_.progress.Note("the remote was published to meanwhile: beginning with its new state");
    }
    RemoveFetched();
    result_.place = place_->description();
    result_.source = head_.source();
    result_.publisher = head_.publisher();
    result_.to = Lsn(head_.state().head_lsn());
    result_.time_us = head_.state().head_time_us();
    result_.seconds = os::SecondsSince(start);
    return result_;
  }

 private:
  enum class Newer { kTake, kLeave };

  // Takes what the head names. Returns false if something of it is no longer there, since a newer head is, and that one
  // may be taken: whoever reads longer than objects stay needs it.
  bool TakeHead(Newer newer) {
    found_ = ReadHead(*place_, keys_);
    try {
      if (!workspace_.current() || !TakeSteps()) TakeAll();
      return true;
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kCorrupt || newer == Newer::kLeave) throw;
      const proto::RemoteHead now = ReadHead(*place_, keys_).head;
      if (!IsAhead(now, head_)) throw;
      result_ = {};
      return false;
    }
  }

  // Whoever may write there could otherwise have a pull go from one head to the other for ever.
  static bool IsAhead(const proto::RemoteHead& now, const proto::RemoteHead& before) {
    if (now.generation() != before.generation()) {
      return now.state().baseline_time_us() >= before.state().baseline_time_us();
    }
    return now.number() != before.number() && now.state().durable_lsn() >= before.state().durable_lsn() &&
           now.state().head_lsn() >= before.state().head_lsn();
  }

  // Brings the store that is here to the head. Returns false if all has to be taken instead.
  bool TakeSteps() {
    const std::unique_ptr<RowStore> store = RowStore::Open(workspace_.CurrentStorePath(), RowStore::Mode::kReadWrite);
    if (!store->manifest().has_remote()) {
      throw Error(ErrorCode::kUsage,
                  fmt::format("the store of {} follows a server, and its config names a remote", context_.source.name),
                  "give the source that follows the remote another name");
    }
    const proto::RemotePosition here = store->manifest().remote();
    has_own_snapshots_ = std::any_of(store->manifest().snapshots().begin(), store->manifest().snapshots().end(),
                                     [](const proto::Snapshot& snapshot) { return !snapshot.from_remote(); });
    result_.from = store->state().head_lsn();
    StoreState state = store->state();
    const Lsn former = state.durable_lsn();
    if (!remote::IsTrusted(here, keys_)) {
      // Nor does it say how new a head must be.
      RequireSameDatabase(state.manifest());
      return false;
    }
    if (here.generation() != head_.generation()) {
      RequireSameDatabase(state.manifest());
      return head_.state().baseline_time_us() < state.manifest().baseline_time_us() && RefuseOlder();
    }
    // A publisher that has replaced a damaged head counts from 1 again, so that the number alone says nothing.
    // With fewer repairs it is from before one, and has the rows that were wrong.
    if (Lsn(head_.state().durable_lsn()) < former || Lsn(head_.state().head_lsn()) < state.head_lsn() ||
        head_.state().repairs() < state.manifest().repairs()) {
      return RefuseOlder();
    }
    if (!remote::GoesOn(here, found_, keys_) || remote::LacksRowsOf(state.manifest(), head_)) return false;
    if (here.number() == head_.number()) {
      result_.up_to_date =
          Lsn(head_.state().durable_lsn()) == former && Lsn(head_.state().head_lsn()) == state.head_lsn();
      return result_.up_to_date;
    }
    const std::optional<Steps> steps = remote::PathFromStore(head_, state.manifest());
    if (!steps) return false;
    state.BeginPull();
    store->Publish(state, {});
    remote::StepReader reader(*store, head_, remote::StepReader::Into::kFormerState, context_.interrupt);
    Read(*steps, *store, &reader);
    state = store->state();  // With the shapes.
    state.EndPullFromRemote(head_.state(), remote::PositionOf(found_));
    reader.Finish(state);
    CountLogged(*store, former);
    CompactIfMuchIsOwed(*store);
    CollectGarbageIfLarge(context_, *store);
    result_.compaction_owed = store->compaction_owed() != CompactionOwed::kNothing;
    return true;
  }

  // Whoever keeps two remotes, or has named another one, might give a source the rows of another.
  void RequireSameDatabase(const proto::Manifest& here) const {
    const proto::SourceIdentity& theirs = head_.state().source();
    if (older_ == OlderHead::kTake ||
        (theirs.system_id() == here.source().system_id() && theirs.database() == here.source().database())) {
      return;
    }
    throw Error(ErrorCode::kCorrupt,
                fmt::format("{} has the history of another database now: {} of {}", place_->description(),
                            theirs.database(), head_.state().description()),
                "if that is meant: rotv-sync pull --rebaseline");
  }

  // Somebody may have put an older head in place of the present one, to have people work on old data.
  bool RefuseOlder() const {
    if (older_ == OlderHead::kTake) return false;
    throw Error(ErrorCode::kCorrupt,
                fmt::format("what is published in {} is older than what was taken from it: {}, here {}",
                            place_->description(), Lsn(head_.state().head_lsn()).ToString(), result_.from.ToString()),
                "if it was put back from a copy on purpose: rotv-sync pull --rebaseline");
  }

  void TakeAll() {
    result_.whole = true;
    const std::optional<Steps> steps = remote::PathFromNothing(head_);  // ParseHead() has seen that there are some.
    const fs::path path =
        workspace_.MakeStoreDirectory(fmt::format("remote-{}", Clock::now().time_since_epoch().count()));
    try {
      const std::unique_ptr<RowStore> store = RowStore::Open(path, RowStore::Mode::kCreate);
      StoreState state = StoreState::OfRemote(head_.state(), remote::PositionOf(found_));
      store->Publish(state, {});
      remote::StepReader reader(*store, head_, remote::StepReader::Into::kNewStore, context_.interrupt);
      Read(*steps, *store, &reader);
      state.NoteSize(store->DiskBytes());
      reader.Finish(state);
      result_.compaction_owed = store->compaction_owed() != CompactionOwed::kNothing;
    } catch (...) {
      std::error_code ignored;  // What stays is removed by the next run.
      fs::remove_all(path, ignored);
      throw;
    }
    workspace_.SetCurrent(path, Objects(), has_own_snapshots_ ? Workspace::Before::kKeep : Workspace::Before::kDelete);
  }

  // Nothing is on a server; the record says whose store it is.
  proto::OwnedObjects Objects() const {
    proto::OwnedObjects objects;
    objects.set_description(place_->description());
    objects.set_database(head_.state().source().database());
    objects.mutable_way()->set_url(context_.source.remote);
    objects.mutable_way()->set_port(context_.source.port);
    objects.mutable_way()->set_config_file(context_.source.config_file);
    return objects;
  }

  void Read(const Steps& steps, RowStore& store, remote::StepReader* reader) {
    std::vector<const proto::RemoteObject*> objects;
    for (const proto::RemoteStep* step : steps) {
      for (const proto::RemoteObject& object : step->objects()) objects.push_back(&object);
    }
    remote::ObjectFetch fetch({.place = *place_, .objects = objects, .directory = FetchedPath()}, context_.interrupt);
    context_.progress.Begin("taking what is published", Progress::Unit::kBytes, remote::BytesOf(steps));
    result_.versions = remote::TakeSteps({.steps = steps,
                                          .fetch = fetch,
                                          .store = store,
                                          .reader = *reader,
                                          .place = place_->description(),
                                          .key = keys_.team_key()},
                                         context_.progress);
    context_.progress.End();
    result_.bytes = fetch.received_bytes();
    result_.resumed_bytes = fetch.found_bytes();
  }

  // Objects are here until what they have is published in the store.
  fs::path FetchedPath() const { return workspace_.directory() / "fetched"; }
  void RemoveFetched() const {
    std::error_code ignored;  // The next run removes what stays.
    fs::remove_all(FetchedPath(), ignored);
  }

  void CountLogged(const RowStore& store, Lsn from) {
    store.VisitLog(from, [&](const proto::Transaction& piece) {
      if (!piece.continued()) ++result_.transactions;
      for (const proto::TableChanges& changes : piece.changes()) {
        result_.inserted += changes.inserted();
        result_.updated += changes.updated();
        result_.deleted += changes.deleted();
      }
      return true;
    });
  }

  const Context& context_;
  const OlderHead older_;
  const remote::FollowerKeys keys_;
  const std::unique_ptr<remote::RemotePlace> place_;
  Workspace workspace_;
  remote::FoundHead found_;
  const proto::RemoteHead& head_ = found_.head;
  bool has_own_snapshots_ = false;
  FollowResult result_;
};

}  // namespace

FollowResult FollowRemote(const Context& context, OlderHead older) { return Following(context, older).Run(); }

RemoteWatch::RemoteWatch(const Context& context) : context_(context) {}

RemoteWatch::~RemoteWatch() = default;

bool RemoteWatch::IsNew() {
  // A place that was away may have to be opened again.
  if (!place_) place_ = remote::OpenFollowed(context_);
  seen_ = remote::HashOf(place_->ReadHead().value_or(""));
  return seen_ != taken_;
}

}  // namespace rotv
