#include "sync/publish.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <optional>

#include "os/clock.h"
#include "storage/error.h"
#include "storage/row_store.h"
#include "sync/context/open_workspace.h"
#include "sync/mask/stored_mask.h"
#include "sync/remote/head_frame.h"
#include "sync/remote/head_object.h"
#include "sync/remote/levels.h"
#include "sync/remote/publisher_name.h"
#include "sync/remote/segment_object.h"
#include "sync/remote/step_path.h"
#include "sync/remote/step_writer.h"
#include "sync/remote/unnamed_objects.h"
#include "sync/remote_address.h"
#include "sync/remote_subset.h"
#include "sync/subset/choose_rows.h"

// A publication is a *step*: what the store has got since the one before. Longer steps over several publications are
// written beside it (sync/remote/levels.h); who follows takes those that lead on from what he has. The *base* is
// everything up to one publication, for whoever has nothing, or has slept longer than steps are kept. Nothing that is
// kept is ever published twice in the base and the steps after it, so a new base is written only once gc has dropped a
// good part of what they have.
//
// Objects are written first, under the name of their hash, and the head last, if it is still the one that was read. So
// whatever is killed, the head names only what is there.

namespace rotv {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int64_t kDayUs = int64_t{24} * 60 * 60 * 1'000'000;

class Publication {
 public:
  Publication(const Context& context, const RemoteConfig& remote, TakeOver take_over)
      : context_(context), remote_(remote), take_over_(take_over), key_(remote::ReadTeamKey(remote.key)) {
    OpenStore();  // Where there is nothing to publish, nothing is made at the place.
    if (remote.is_part()) RequireSubset();
    if (remote.sign) signing_ = KeyForRemote(ReadSigningKey(context.home), context.source.name, remote.name);
    RequireKnownSigner();
    place_ = remote::OpenPlace(AddressOf(remote), remote::Purpose::kPublish, context);
  }

  PublishResult Run() {
    const Clock::time_point start = Clock::now();
    // Before the store is opened: a run that has the lock until then may be ahead of it otherwise.
    if (remote_.is_part()) subset_ = std::make_unique<RemoteSubset>(context_, remote_);
    const std::optional<std::string> stored = place_->ReadHead();
    // What is published now is in the store of now: another run may have published while the place was opened.
    OpenStore();
    if (stored) ReadFormer(*stored);
    if (remote_.is_part()) TakeSubset();
    if (remote_.require_mask) RequireMasks();
    there_.emplace(*place_, former_);
    const proto::RemoteHead next = Next();
    result_.place = place_->description();
    result_.head = store_->state().head_lsn();
    result_.number = next.number();
    if (signing_) result_.public_key = PublicKeyText(signing_->public_key);
    const std::string head = result_.up_to_date ? *stored : remote::PackHead(next, key(), signing());
    if (!result_.up_to_date && !place_->ReplaceHead(stored, head)) {
      throw Error(ErrorCode::kInUse,
                  fmt::format("another machine has published in {} meanwhile", place_->description()),
                  "run it again; one machine at a time should publish there");
    }
    RemoveUnnamed(head, next);
    result_.seconds = os::SecondsSince(start);
    return result_;
  }

 private:
  const remote::TeamKey* key() const { return key_ ? &*key_ : nullptr; }
  const SigningKey* signing() const { return signing_ ? &*signing_ : nullptr; }
  std::optional<PublicKey> our_signer() const { return signing_ ? std::optional(signing_->public_key) : std::nullopt; }

  void OpenStore() {
    store_.reset();
    workspace_.reset();
    workspace_ = std::make_unique<Workspace>(OpenWorkspace(context_, "publish", Access::kRead));
    store_ = RowStore::Open(workspace_->CurrentStorePath(), RowStore::Mode::kReadOnly);
    if (store_->manifest().imported() || store_->manifest().has_remote()) {
      throw Error(ErrorCode::kUsage, fmt::format("{} does not follow a server itself", context_.source.name),
                  "publish on the machine that follows the source: --source NAME");
    }
  }

  void RequireSubset() const {
    subset::RequireSubsetFits(*store_, store_->state().head_lsn(), RowsFor(remote_, context_.source));
  }

  // From here on what is published is the store of the subset.
  void TakeSubset() {
    const bool is_ours = former_ && !former_is_foreign_ && former_signer_ == our_signer();
    store_ = subset_->Update(*store_, is_ours ? &former_->state() : nullptr);
  }

  // Where the config has the keys that followers look for, it is not published what they would refuse.
  void RequireKnownSigner() const {
    if (remote_.signers.empty()) return;
    if (!signing_) {
      throw Error(ErrorCode::kUsage,
                  fmt::format("[remotes.{}] has public_key, but what is published is not signed", remote_.name),
                  "set sign = true there, or remove public_key");
    }
    const auto& signers = remote_.signers;
    if (std::find(signers.begin(), signers.end(), signing_->public_key) != signers.end()) return;
    throw Error(ErrorCode::kUsage, fmt::format("public_key of [remotes.{}] is not the key of this home", remote_.name),
                fmt::format("add it for followers, and later remove the former one: public_key = [\"{}\", …]; or put "
                            "{} back from a copy",
                            PublicKeyText(signing_->public_key), (context_.home / "signing-key").native()));
  }

  // Whoever takes over may replace a head that is damaged: followers then take everything again. One that was published
  // without the key goes on, under it.
  void ReadFormer(const std::string& stored) {
    try {
      former_ = remote::ParseHead(stored, place_->description(), key());
      former_signer_ = remote::OpenFrame(stored, place_->description()).signer;
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kCorrupt || take_over_ == TakeOver::kNo || HasOtherKey(stored)) throw;
      context_.progress.Warn(fmt::format("{}: publishing everything again", error.what()));
      // Whoever has changed it may have changed objects, too.
      may_use_objects_ = false;
      former_ = FormerWithoutKey(stored);
      former_is_foreign_ = former_.has_value();
    }
  }

  // A head that is whole and that this key does not open is another key's: whoever takes over needs that one.
  bool HasOtherKey(const std::string& stored) const {
    try {
      return key_ && remote::OpenFrame(stored, place_->description()).is_sealed;
    } catch (const Error&) {
      return false;
    }
  }

  std::optional<proto::RemoteHead> FormerWithoutKey(const std::string& stored) const {
    if (!key_) return std::nullopt;
    try {
      return remote::ParseHead(stored, place_->description(), nullptr);
    } catch (const Error&) {
      return std::nullopt;
    }
  }

  // All states that are published were stored under the rules of now: those of the head, and the same in each schema.
  void RequireMasks() const {
    const proto::SchemaVersion head = store_->SchemaAt(store_->state().head_lsn());
    const char* hint =
        remote_.is_part()
            ? "pull under the present rules; where older states hold other values: rotv-sync clean --what subsets, "
              "and keep snapshots of such states back"
            : "pull under the present rules; where older states hold other values: rotv-sync baseline --force";
    if (store_->manifest().mask_fingerprint().empty() || mask::MaskRulesChanged(store_->manifest(), head, context_)) {
      throw Error(ErrorCode::kUsage,
                  fmt::format("{} is not masked under the present rules, which [remotes.{}] requires",
                              context_.source.name, remote_.name),
                  hint);
    }
    std::map<TableId, std::string> masks;
    std::vector<Lsn> lsns = store_->SchemaLsns();
    std::reverse(lsns.begin(), lsns.end());  // A table that was dropped counts as it was last.
    for (const Lsn lsn : lsns) {
      const proto::SchemaVersion schema = store_->SchemaAt(lsn);
      for (const proto::Table& table : schema.tables()) {
        const std::string mask = table.mask().SerializeAsString();
        if (masks.emplace(table.id(), mask).first->second == mask) continue;
        throw Error(ErrorCode::kUsage,
                    fmt::format("the state at {} holds {} under other masking rules, which [remotes.{}] forbids",
                                lsn.ToString(), table.quoted_name(), remote_.name),
                    hint);
      }
    }
  }

  // The state of the store without the snapshots that are kept back.
  StoreState StateForOthers() const {
    StoreState state = store_->state();
    for (const proto::Snapshot& snapshot : store_->manifest().snapshots()) {
      if (!PublishesSnapshot(remote_, snapshot.name())) state.RemoveSnapshot(snapshot.name());
    }
    return state;
  }

  // Gives what is to be published, and writes its objects.
  proto::RemoteHead Next() {
    const proto::Manifest state = StateForOthers().ForRemote();
    const std::string generation = remote::GenerationOf(state);
    const std::string publisher = remote::PublisherName(context_.home);
    if (former_) RequirePlace(state, publisher);
    if (former_) RequireOurSignature();
    if (former_is_foreign_) former_.reset();  // Whoever wrote it may have written anything, of any number or LSN.
    const bool goes_on = former_ && former_->generation() == generation;
    if (goes_on) RequireAhead(state);
    if (former_ && !goes_on) RequireNoOlderBaseline(state);
    const bool by_step = goes_on && HasAllSince(former_->state(), state) && AllObjectsAreThere(*former_);
    if (by_step && former_->state().SerializeAsString() == state.SerializeAsString() &&
        former_->publisher() == publisher && former_signer_ == our_signer()) {
      result_.up_to_date = true;
      return *former_;
    }

    proto::RemoteHead next;
    if (goes_on) next = *former_;
    next.set_format(remote::kRemoteFormat);
    next.set_generation(generation);
    next.set_number(next.number() + 1);
    *next.mutable_state() = state;
    next.set_source(context_.source.name);
    next.set_publisher(publisher);
    next.set_published_us(os::NowMicroseconds());
    next.set_greatest_shape(store_->shapes().greatest_id());
    next.set_last_schema(remote::LastSchemaHash(*store_));
    if (former_ && !by_step) {
      // Followers take the new base.
      next.clear_changes();
      next.clear_retired();
      Retire(*former_, &next);
    }
    if (by_step) AddSteps(&next);
    if (!by_step || remote::IsTimeForBase(next, CountAfterGc(next))) {
      proto::RemoteStep former_base = std::move(*next.mutable_base());
      *next.mutable_base() = Write("publishing all of it", nullptr, remote::MarkOf(next));
      if (by_step) RetireStep(std::move(former_base), remote_.keep_days, &next);
      result_.whole = true;
    }
    next.set_counted_kept_from_lsn(state.kept_from_lsn());
    // Whoever has begun to read them reads the head again if he is slower, and goes on with what he has.
    for (proto::RemoteStep& covered : remote::TakeOutCovered(&next)) {
      RetireStep(std::move(covered), std::min(1, remote_.keep_days), &next);
    }
    DropOldSteps(&next);
    return next;
  }

  void AddSteps(proto::RemoteHead* next) {
    const proto::RemoteMark before = remote::MarkOf(*former_);
    remote::AddStep(Write("publishing what is new", &before, remote::MarkOf(*next)), next);
    for (const proto::RemoteMark& mark : remote::LongerSteps(*next)) {
      // gc may have dropped what was published already.
      if (Lsn(mark.durable_lsn()) < KeptFrom(next->state())) break;
      remote::AddStep(Write("joining what was published", &mark, remote::MarkOf(*next)), next);
    }
  }

  // The versions that the store has; nullopt if no gc has ended since they were counted. Like that gc this reads keys
  // and rows once.
  std::optional<uint64_t> CountAfterGc(const proto::RemoteHead& next) {
    if (next.counted_kept_from_lsn() == next.state().kept_from_lsn()) return std::nullopt;
    uint64_t versions = 0;
    context_.progress.Begin("counting what gc has left", Progress::Unit::kRows, store_->VersionsEstimate());
    store_->VisitVersions([&](const VersionKey&, const RowVersion&, size_t) {
      constexpr uint64_t kBetweenLooks = 4096;
      if (++versions % kBetweenLooks != 0) return;
      context_.interrupt.Check();
      context_.progress.Update(versions);
    });
    context_.progress.End();
    return versions;
  }

  // All versions and transactions from it on are in the store.
  static Lsn KeptFrom(const proto::Manifest& state) {
    return Lsn(std::max(state.kept_from_lsn(), state.log_from_lsn()));
  }

  // A step needs all that came since the publication before it: gc may have dropped some of it, damage may have taken
  // some, and a repair may have come below it.
  static bool HasAllSince(const proto::Manifest& before, const proto::Manifest& now) {
    return KeptFrom(now) <= Lsn(before.durable_lsn()) && now.repairs() == before.repairs() &&
           remote::DamagedEpochs(now) == remote::DamagedEpochs(before);
  }

  // Somebody may have removed a damaged one, so that it is published once more.
  bool AllObjectsAreThere(const proto::RemoteHead& head) const {
    const auto all = [&](const proto::RemoteStep& step) {
      return std::all_of(step.objects().begin(), step.objects().end(),
                         [&](const proto::RemoteObject& object) { return there_->Has(object); });
    };
    return all(head.base()) && std::all_of(head.changes().begin(), head.changes().end(), all);
  }

  void RequirePlace(const proto::Manifest& state, const std::string& publisher) const {
    const proto::SourceIdentity& theirs = former_->state().source();
    if (theirs.system_id() != state.source().system_id() || theirs.database() != state.source().database()) {
      throw Error(ErrorCode::kUsage,
                  fmt::format("{} has the history of another database: {} of {}", place_->description(),
                              theirs.database(), former_->state().description()),
                  "give each source a remote of its own, or empty this one");
    }
    if (take_over_ == TakeOver::kYes || former_->publisher() == publisher) return;
    throw Error(ErrorCode::kUsage, fmt::format("{} is published by {}", place_->description(), former_->publisher()),
                "if this machine is to take its place: rotv-sync publish --take-over");
  }

  // What the head before names is named again, and then signed: so that head must have been signed here. And whoever
  // follows a head that is signed takes no other one.
  void RequireOurSignature() {
    if (former_signer_ == our_signer()) return;
    if (take_over_ == TakeOver::kNo) RefuseSignature();
    if (!signing_) return;
    former_is_foreign_ = true;
    may_use_objects_ = false;
  }

  [[noreturn]] void RefuseSignature() const {
    const std::string& place = place_->description();
    if (!signing_) {
      throw Error(
          ErrorCode::kUsage,
          fmt::format("what is published in {} is signed, and [remotes.{}] has no sign = true", place, remote_.name),
          "set it; or, to go on without: rotv-sync publish --take-over, and have followers remove public_key");
    }
    const std::string all =
        fmt::format("rotv-sync publish --take-over publishes everything again; followers need public_key = \"{}\"",
                    PublicKeyText(signing_->public_key));
    if (!former_signer_) {
      throw Error(
          ErrorCode::kUsage,
          fmt::format("what is published in {} is not signed: it never was, or somebody has replaced it", place), all);
    }
    throw Error(
        ErrorCode::kUsage,
        fmt::format("what is published in {} is signed with another key than that of this home and of [remotes.{}]: {}",
                    place, remote_.name, PublicKeyText(*former_signer_)),
        fmt::format("put {} back from a copy; or {}", (context_.home / "signing-key").native(), all));
  }

  // A copy of an older state of HOME must not take back what others have.
  void RequireAhead(const proto::Manifest& state) const {
    if (state.durable_lsn() >= former_->state().durable_lsn() && state.head_lsn() >= former_->state().head_lsn())
      return;
    throw Error(ErrorCode::kUsage,
                fmt::format("{} has a newer state than this store: {}, here {}", place_->description(),
                            Lsn(former_->state().head_lsn()).ToString(), Lsn(state.head_lsn()).ToString()),
                "pull first; if the store was put back from a copy: rotv-sync baseline --force");
  }

  // The same where a new baseline was taken since that copy.
  void RequireNoOlderBaseline(const proto::Manifest& state) const {
    if (take_over_ == TakeOver::kYes || state.baseline_time_us() >= former_->state().baseline_time_us()) return;
    throw Error(ErrorCode::kUsage,
                fmt::format("{} has the history of a newer baseline than this store", place_->description()),
                "if the store was put back from a copy: rotv-sync baseline --force; if it is to be published all the "
                "same: rotv-sync publish --take-over");
  }

  proto::RemoteStep Write(const std::string& what, const proto::RemoteMark* since, const proto::RemoteMark& to) {
    proto::RemoteStep step;
    *step.mutable_to() = to;
    if (since != nullptr) *step.mutable_from() = *since;
    context_.progress.Begin(what, Progress::Unit::kRows, since == nullptr ? store_->VersionsEstimate() : 0);
    const auto take = [&](remote::PackedSegment packed) {
      const std::string name = remote::NameOf(packed.object);
      // One that a killed run has left is used.
      const bool is_there = may_use_objects_ && there_->Has(packed.object) && place_->KeepObject(name);
      if (!is_there) {
        place_->WriteObject(name, packed.bytes);
        ++result_.objects;
        result_.bytes += packed.bytes.size();
      }
      *step.add_objects() = std::move(packed.object);
    };
    const auto may_be_named = [&](const proto::RemoteObject& object) { return there_->MayBeNamed(object); };
    const remote::StepCounts counts =
        remote::WriteStep({.store = *store_, .since = since, .key = key(), .may_be_named = may_be_named, .take = take},
                          context_.progress, context_.interrupt);
    context_.progress.End();
    // The first step is what is new; longer ones, and a base beside it, have it once more.
    if (result_.versions + result_.transactions == 0) {
      result_.versions = counts.versions;
      result_.transactions = counts.transactions;
    }
    step.set_versions(counts.versions);
    step.set_published_us(os::NowMicroseconds());
    return step;
  }

  // The head is replaced by now.
  void RemoveUnnamed(const std::string& stored, const proto::RemoteHead& head) {
    try {
      result_.removed = there_->RemoveUnnamed(stored, head);
    } catch (const Error& error) {
      if (error.code() == ErrorCode::kInterrupted) throw;
      context_.progress.Warn(
          fmt::format("what is new is published; objects that nobody needs were not removed: {}", error.what()));
    }
  }

  // Steps that lead to the base or before it are only of use to who is in the middle of them.
  void DropOldSteps(proto::RemoteHead* next) const {
    const int64_t grace_us = remote_.keep_days * kDayUs;
    proto::RemoteHead kept;
    for (const proto::RemoteStep& step : next->changes()) {
      const bool is_needed = step.to().number() > next->base().to().number();
      if (is_needed || step.published_us() >= next->published_us() - grace_us) {
        *kept.add_changes() = step;
      } else {
        RetireStep(step, remote_.keep_days, next);
      }
    }
    next->mutable_changes()->Swap(kept.mutable_changes());
    auto* retired = next->mutable_retired();
    retired->erase(
        std::remove_if(retired->begin(), retired->end(),
                       [&](const proto::RemoteStep& step) { return step.kept_until_us() < next->published_us(); }),
        retired->end());
  }

  void Retire(const proto::RemoteHead& former, proto::RemoteHead* next) const {
    RetireStep(former.base(), remote_.keep_days, next);
    for (const proto::RemoteStep& step : former.changes()) RetireStep(step, remote_.keep_days, next);
    next->mutable_retired()->MergeFrom(former.retired());
  }

  static void RetireStep(proto::RemoteStep step, int days, proto::RemoteHead* next) {
    if (step.objects().empty()) return;
    proto::RemoteStep* retired = next->add_retired();
    retired->set_kept_until_us(next->published_us() + days * kDayUs);
    *retired->mutable_objects() = std::move(*step.mutable_objects());
  }

  const Context& context_;
  const RemoteConfig& remote_;
  const TakeOver take_over_;
  const std::optional<remote::TeamKey> key_;
  std::optional<SigningKey> signing_;
  std::unique_ptr<Workspace> workspace_;
  std::unique_ptr<RemoteSubset> subset_;  // Has the lock of the store, if that is a subset's.
  std::unique_ptr<RowStore> store_;
  std::unique_ptr<remote::RemotePlace> place_;
  std::optional<remote::ListedObjects> there_;
  std::optional<proto::RemoteHead> former_;
  std::optional<PublicKey> former_signer_;
  bool may_use_objects_ = true;     // Objects are as our own publications have left them.
  bool former_is_foreign_ = false;  // It was published without the key of now, or not signed by it: nothing goes on.
  PublishResult result_;
};

}  // namespace

PublishResult Publish(const Context& context, const RemoteConfig& remote, TakeOver take_over) {
  return Publication(context, remote, take_over).Run();
}

}  // namespace rotv
