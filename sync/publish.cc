#include "sync/publish.h"

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <set>

#include "os/clock.h"
#include "storage/error.h"
#include "storage/row_store.h"
#include "sync/context/open_workspace.h"
#include "sync/mask/stored_mask.h"
#include "sync/remote/head_object.h"
#include "sync/remote/open_place.h"
#include "sync/remote/segment_object.h"
#include "sync/remote/step_writer.h"

// A publication is a *step*: what the store has got since the one before. Who follows takes the steps that he lacks.
// The *base* is everything up to one of them, for whoever has nothing, or has slept longer than steps are kept. A new
// base is written when the steps after the present one have become half as large: so who comes late loads at most one
// and a half times what the store holds, and all bases together cost at most twice what changed.
//
// Objects are written first, under the name of their hash, and the head last, if it is still the one that was read. So
// whatever is killed, the head names only what is there.

namespace rotv {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int64_t kDayS = int64_t{24} * 60 * 60;
constexpr int64_t kDayUs = kDayS * 1'000'000;
constexpr uint64_t kSmallestNewBase = uint64_t{256} << 10;  // Of steps; before that a base is not worth a request.

uint64_t BytesOf(const proto::RemoteStep& step) {
  uint64_t bytes = 0;
  for (const proto::RemoteObject& object : step.objects()) bytes += object.bytes();
  return bytes;
}

// Who publishes, so that two machines notice each other.
std::string PublisherName(const std::filesystem::path& home) {
  char host[256] = "";
  gethostname(host, sizeof host - 1);
  const passwd* user = getpwuid(geteuid());
  return fmt::format("{}@{}:{}", user == nullptr ? std::to_string(geteuid()) : user->pw_name, host,
                     std::filesystem::weakly_canonical(home).native());
}

class Publication {
 public:
  Publication(const Context& context, const RemoteConfig& remote, TakeOver take_over)
      : context_(context),
        remote_(remote),
        take_over_(take_over),
        workspace_(OpenWorkspace(context, "publish", Access::kRead)),
        store_(OpenStore()),
        place_(remote::OpenPlace({remote.url, remote.s3}, remote::Purpose::kPublish, context)) {}

  PublishResult Run() {
    const Clock::time_point start = Clock::now();
    if (remote_.require_mask) RequireMasks();
    const std::optional<std::string> stored = place_->ReadHead();
    if (stored) ReadFormer(*stored);
    for (const remote::RemotePlace::Listed& object : place_->ListObjects()) there_.emplace(object.name, object);
    const proto::RemoteHead next = Next();
    result_.place = place_->description();
    result_.head = store_->state().head_lsn();
    result_.number = next.number();
    if (!result_.up_to_date) {
      if (!place_->ReplaceHead(stored, remote::PackHead(next))) {
        throw Error(ErrorCode::kInUse,
                    fmt::format("somebody else has published in {} meanwhile", place_->description()),
                    "run it again; one machine at a time should publish there");
      }
    }
    RemoveUnnamed(next);
    result_.seconds = std::chrono::duration<double>(Clock::now() - start).count();
    return result_;
  }

 private:
  std::unique_ptr<RowStore> OpenStore() {
    std::unique_ptr<RowStore> store = RowStore::Open(workspace_.CurrentStorePath(), RowStore::Mode::kReadOnly);
    if (store->manifest().imported() || store->manifest().has_remote()) {
      throw Error(ErrorCode::kUsage, fmt::format("{} does not follow a server itself", context_.source.name),
                  "publish on the machine that follows the source: --source NAME");
    }
    return store;
  }

  // Whoever takes over may replace a head that is damaged: followers then take everything anew.
  void ReadFormer(const std::string& stored) {
    try {
      former_ = remote::ParseHead(stored, place_->description());
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kCorrupt || take_over_ == TakeOver::kNo) throw;
      context_.progress.Warn(fmt::format("{}: publishing everything anew", error.what()));
    }
  }

  // All states that are published were stored under the rules of now: those of the head, and the same in each schema.
  void RequireMasks() const {
    const proto::SchemaVersion head = store_->SchemaAt(store_->state().head_lsn());
    const char* hint = "pull under the present rules; where older states hold other values: rotv-sync baseline --force";
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

  // Gives what is to be published, and writes its objects.
  proto::RemoteHead Next() {
    const proto::Manifest state = store_->state().ForRemote();
    const std::string generation = remote::GenerationOf(state);
    const std::string publisher = PublisherName(context_.home);
    if (former_) RequirePlace(state, publisher);
    const bool goes_on = former_ && former_->generation() == generation;
    if (goes_on) RequireAhead(state);
    const bool by_step = goes_on && HasAllSince(former_->state(), state) && AllObjectsAreThere(*former_);
    if (by_step && former_->state().SerializeAsString() == state.SerializeAsString() &&
        former_->publisher() == publisher) {
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
    if (by_step) *next.add_changes() = Write("publishing what is new", &*former_, next.number());
    if (!by_step || IsTimeForBase(next)) {
      proto::RemoteStep former_base = std::move(*next.mutable_base());
      *next.mutable_base() = Write("publishing all of it", nullptr, next.number());
      if (by_step) RetireStep(std::move(former_base), &next);
      result_.whole = true;
    }
    DropOldSteps(&next);
    return next;
  }

  // A step needs all that came since the publication before it: gc may have dropped some of it, damage may have taken
  // some, and a repair may have come below it.
  static bool HasAllSince(const proto::Manifest& before, const proto::Manifest& now) {
    return std::max(now.kept_from_lsn(), now.log_from_lsn()) <= before.durable_lsn() &&
           now.repairs() == before.repairs() && DamagedEpochs(now) == DamagedEpochs(before);
  }

  using Epochs = std::set<std::pair<TableId, EpochNumber>>;
  static Epochs DamagedEpochs(const proto::Manifest& manifest) {
    Epochs damaged;
    for (const proto::TableHistory& history : manifest.tables()) {
      for (const proto::Epoch& epoch : history.epochs()) {
        if (epoch.damaged()) damaged.emplace(history.table(), epoch.number());
      }
    }
    return damaged;
  }

  // Somebody may have removed a damaged one, so that it is published once more.
  bool AllObjectsAreThere(const proto::RemoteHead& head) const {
    const auto all = [&](const proto::RemoteStep& step) {
      return std::all_of(step.objects().begin(), step.objects().end(),
                         [&](const proto::RemoteObject& object) { return IsThere(object); });
    };
    return all(head.base()) && std::all_of(head.changes().begin(), head.changes().end(), all);
  }

  bool IsThere(const proto::RemoteObject& object) const {
    const auto found = there_.find(remote::NameOf(object));
    return found != there_.end() && found->second.bytes == object.bytes();
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

  // A copy of an older state of HOME must not take back what others have.
  void RequireAhead(const proto::Manifest& state) const {
    if (state.durable_lsn() >= former_->state().durable_lsn() && state.head_lsn() >= former_->state().head_lsn())
      return;
    throw Error(ErrorCode::kUsage,
                fmt::format("{} has a newer state than this store: {}, here {}", place_->description(),
                            Lsn(former_->state().head_lsn()).ToString(), Lsn(state.head_lsn()).ToString()),
                "pull first; if the store was put back from a copy: rotv-sync baseline --force");
  }

  proto::RemoteStep Write(const std::string& what, const proto::RemoteHead* since, uint64_t number) {
    proto::RemoteStep step;
    step.set_number(number);
    if (since != nullptr) step.set_from_lsn(since->state().durable_lsn());
    context_.progress.Begin(what, Progress::Unit::kRows, since == nullptr ? store_->VersionsEstimate() : 0);
    const auto take = [&](remote::PackedSegment packed) {
      const std::string name = remote::NameOf(packed.object);
      // One that a killed run has left is used.
      if (IsThere(packed.object)) {
        place_->KeepObject(name);
      } else {
        place_->WriteObject(name, packed.bytes);
        ++result_.objects;
        result_.bytes += packed.bytes.size();
      }
      *step.add_objects() = std::move(packed.object);
    };
    const remote::StepCounts counts =
        remote::WriteStep({.store = *store_, .since = since, .take = take}, context_.progress, context_.interrupt);
    context_.progress.End();
    result_.versions = std::max(result_.versions, counts.versions);
    result_.transactions = std::max(result_.transactions, counts.transactions);
    step.set_published_us(os::NowMicroseconds());
    return step;
  }

  static bool IsTimeForBase(const proto::RemoteHead& next) {
    uint64_t after = 0;
    for (const proto::RemoteStep& step : next.changes()) {
      if (step.number() > next.base().number()) after += BytesOf(step);
    }
    return after > std::max(kSmallestNewBase, BytesOf(next.base()) / 2);
  }

  // Steps that lead to the base or before it are only of use to who is in the middle of them.
  void DropOldSteps(proto::RemoteHead* next) const {
    const int64_t grace_us = remote_.keep_days * kDayUs;
    int old = 0;
    while (old < next->changes_size() && next->changes(old).number() <= next->base().number() &&
           next->changes(old).published_us() < next->published_us() - grace_us) {
      RetireStep(next->changes(old), next);
      ++old;
    }
    next->mutable_changes()->DeleteSubrange(0, old);
    auto* retired = next->mutable_retired();
    retired->erase(std::remove_if(retired->begin(), retired->end(),
                                  [&](const proto::RemoteStep& step) {
                                    return step.published_us() < next->published_us() - grace_us;
                                  }),
                   retired->end());
  }

  static void Retire(const proto::RemoteHead& former, proto::RemoteHead* next) {
    RetireStep(former.base(), next);
    for (const proto::RemoteStep& step : former.changes()) RetireStep(step, next);
    next->mutable_retired()->MergeFrom(former.retired());
  }

  static void RetireStep(proto::RemoteStep step, proto::RemoteHead* next) {
    step.set_published_us(next->published_us());  // From now on it counts.
    if (!step.objects().empty()) *next->add_retired() = std::move(step);
  }

  // What nothing names was left by a killed run, or is no longer needed by anybody. Another run may be writing it: what
  // is young stays.
  void RemoveUnnamed(const proto::RemoteHead& head) {
    std::set<std::string> named;
    const auto name = [&](const proto::RemoteStep& step) {
      for (const proto::RemoteObject& object : step.objects()) named.insert(remote::NameOf(object));
    };
    name(head.base());
    for (const proto::RemoteStep& step : head.changes()) name(step);
    for (const proto::RemoteStep& step : head.retired()) name(step);
    for (const auto& [name_there, object] : there_) {
      if (named.count(name_there) > 0 || object.age_s < kDayS) continue;
      place_->RemoveObject(name_there);
      ++result_.removed;
    }
  }

  const Context& context_;
  const RemoteConfig& remote_;
  const TakeOver take_over_;
  const Workspace workspace_;
  const std::unique_ptr<RowStore> store_;
  const std::unique_ptr<remote::RemotePlace> place_;
  std::map<std::string, remote::RemotePlace::Listed> there_;  // The objects that were there when this began.
  std::optional<proto::RemoteHead> former_;
  PublishResult result_;
};

}  // namespace

PublishResult Publish(const Context& context, const RemoteConfig& remote, TakeOver take_over) {
  return Publication(context, remote, take_over).Run();
}

}  // namespace rotv
