#include "cli/launch/start_data.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "cli/launch/startup_watch.h"
#include "cli/launch/tmpfs_size.h"
#include "cli/launch/twin_variables.h"
#include "cli/output/format.h"
#include "os/available_memory.h"
#include "os/clock.h"
#include "os/file_fingerprint.h"
#include "storage/error.h"
#include "sync/carry.h"
#include "sync/describe_point.h"

namespace rotv::launch {
namespace {

namespace fs = std::filesystem;

// So little is carried in less time than the least import takes.
constexpr uint64_t kAlwaysCarriedBytes = 1 << 20;

// A copy has the cluster's files and room for the changes; the overlay only has what changes, which may be all of it.
uint64_t TmpfsBytesForClone(const WarmCluster& cluster) {
  constexpr uint64_t kMiB = 1 << 20;
  return std::max(TmpfsBytesFor(cluster.state.sql_bytes), (2 * cluster.bytes / kMiB + 512) * kMiB);
}

void WarnIfStale(int64_t fresh_us, Progress& progress) {
  const int64_t days = DaysOld(fresh_us, os::NowMicroseconds());
  if (days < kStaleAfterDays) return;
  progress.Warn(fmt::format("the data is {} days old ({}): rotv restart --pull brings it up to date", days,
                            output::HumanTime(fresh_us)));
}

// A copy in memory is the cleanest, and below a gigabyte it takes less than a second. It must leave most of the memory
// to the server and to other starts.
Clone CloneFor(config::CloneChoice choice, uint64_t bytes) {
  constexpr uint64_t kMostCopied = 1 << 30;
  if (choice != config::CloneChoice::kAuto) {
    return choice == config::CloneChoice::kCopy ? Clone::kCopy : Clone::kOverlay;
  }
  return bytes <= std::min(kMostCopied, os::AvailableMemory() / 4) ? Clone::kCopy : Clone::kOverlay;
}

fs::path CarryPath(const fs::path& place) { return place / "run" / "carry.sql"; }
fs::path CarryPipePath(const fs::path& place) { return place / "run" / "carry.pipe"; }

// Whatever is wrong with a carry, a start has the import yet.
CarryResult EndOf(CarryRun& carry) {
  try {
    return carry.Finish();
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kInterrupted) throw;
    CarryResult result;
    result.why_not = error.what();
    return result;
  }
}

}  // namespace

StartData::StartData(StartDataRequest request) : request_(std::move(request)), clusters_(request_.home) {
  fs::remove_all(request_.place / "prepared");  // Of older programs: tars of clusters.
}

StartData::~StartData() {
  StopChecking();
  carry_.reset();
  std::error_code ignored;
  fs::remove(CarryPath(request_.place), ignored);
}

Context StartData::SourceContext() const { return {*config_, request_.home, request_.progress, request_.interrupt}; }

SeedRequest StartData::RequestOfSeed() const {
  return {.snapshot = request_.snapshot,
          .compression = request_.app.compression,
          .subset = request_.subset,
          .pull = request_.pull,
          .psql_version = request_.runtime.PsqlVersionCommand(request_.app.image)};
}

void StartData::Prepare(LaunchRequest* launch) {
  if (!request_.saved.empty()) return UseSaved(launch);
  config_ = request_.read_source();
  RequireSubset();
  if (!config_) {
    UseSeed(SeedWithoutSource(request_.home, request_.snapshot, request_.progress, request_.interrupt), launch);
  } else {
    const Context context = SourceContext();
    const StoreBroughtUp store = BringStoreUp(context, RequestOfSeed());
    if (store.as_it_is) {
      UseSeed(*store.as_it_is, launch);
    } else {
      UsePoint(launch);
      if (store.needs_seed || !UseWarm(launch)) UseWrittenSeed(launch);
    }
  }
  WarnIfStale(fresh_us_, request_.progress);
}

// Before anything is pulled or written.
void StartData::RequireSubset() const {
  if (!request_.subset) return;
  if (!config_) {
    throw Error(ErrorCode::kUsage, "no source is configured, so there is nothing to take a subset of",
                "leave out --subset: the seed that is there is used as it is");
  }
  RequireSubsetStart(config_->subset);
}

bool StartData::PrepareWarm(LaunchRequest* launch) {
  if (!request_.saved.empty()) {
    UseSaved(launch);
    return true;
  }
  config_ = request_.read_source();
  RequireSubset();
  if (!config_ || !StoreIsEnough(SourceContext(), RequestOfSeed())) return false;
  UsePoint(launch);
  return UsesWarm() && UseWarmOfPoint(launch);
}

// Resolves the point, and says what its database has to be like.
void StartData::UsePoint(LaunchRequest* launch) {
  const PointDescription description = DescribePoint(SourceContext(), request_.snapshot);
  point_ = description.point;
  source_ = config_->name;
  fresh_us_ = point_.time_us;
  launch->trust = config_->trust;
  Describe(description.roles, description.facts, request_.subset ? SubsetFingerprint(config_->subset) : "", launch);
}

// Says what the database has to be like, whatever it is made from.
void StartData::Describe(const std::set<std::string>& roles, const DatabaseFacts& facts, const std::string& subset,
                         LaunchRequest* launch) {
  launch->roles = roles;
  for (const std::string& role : facts.roles) {
    if (role != "postgres") launch->roles.insert(role);  // The entrypoint makes one that may log in.
  }
  launch->twin = TwinVariables(facts, request_.app);
  const bool has_image = request_.runtime.name() != "local";
  purpose_ = {.runtime = request_.runtime.name() + (has_image ? " " + request_.app.image : ""),
              .source = source_,
              .database = launch->database,
              .trust = launch->trust,
              .superuser = launch->superuser,
              .admin = launch->admin,
              .roles = launch->roles,
              .subset = subset,
              .twin = launch->twin};
  state_ = {.kind = foreign_.empty() ? WarmKind::kState : WarmKind::kForeign,
            .point = point_,
            .seed = foreign_.empty() ? "" : os::FileFingerprint(foreign_).value_or(""),
            .subset = purpose_.subset,
            .facts = facts};
}

void StartData::UseSaved(LaunchRequest* launch) {
  std::optional<WarmLease> lease = clusters_.FindSaved(request_.saved);
  if (!lease) throw Error(ErrorCode::kUsage, fmt::format("nothing was saved as {}", request_.saved), "rotv save NAME");
  const WarmCluster& cluster = lease->cluster();
  point_ = cluster.state.point;
  source_ = cluster.source;
  fresh_us_ = point_.time_us;
  Describe({}, cluster.state.facts, "", launch);
  from_ = DataFrom::kSaved;
  StartFrom(*std::move(lease), launch);
}

void StartData::UseSeed(const Seed& seed, LaunchRequest* launch) {
  seed_ = seed;
  point_ = seed.point;
  source_ = seed.is_foreign ? "" : seed.source;
  foreign_ = seed.is_foreign ? seed.path : fs::path();
  fresh_us_ = seed.fresh_us;
  launch->trust = config_ && config_->trust && !seed.is_foreign;  // What somebody put there is not the source's.
  Describe(seed.roles, seed.facts, seed.subset, launch);
  if (!UsesWarm() && !request_.app.persistent) clusters_.RemoveOf(source_);
  if (UsesWarm() && !imports_) {
    std::optional<WarmLease> lease =
        seed.is_foreign ? clusters_.FindForeign(purpose_, state_.seed) : clusters_.FindAt(purpose_, point_);
    if (lease) {
      from_ = DataFrom::kWarm;
      return StartFrom(*std::move(lease), launch);
    }
  }
  from_ = DataFrom::kSeed;
  state_.sql_bytes = seed.sql_bytes;
  launch->seed = seed.path;
  launch->tmpfs_bytes = request_.app.tmpfs_bytes > 0 ? request_.app.tmpfs_bytes : TmpfsBytesFor(seed.sql_bytes);
  OfferPipes(launch);
}

// A seed that is there is read for its checksum while the entrypoint makes a cluster for it. A persistent cluster would
// stay what a damaged one has made of it.
void StartData::UseWrittenSeed(LaunchRequest* launch) {
  SeedRequest request = RequestOfSeed();
  request.is_checked_by_caller = !request_.app.persistent;
  UseSeed(MakeSeed(SourceContext(), request), launch);
  if (from_ != DataFrom::kSeed) seed_.reset();
  if (!seed_ || seed_->written || request_.app.persistent) return;
  damage_ = std::async(std::launch::async, [this, seed = *seed_]() -> std::string {
    return HasItsBytes(seed, stop_checking_) ? "" : "it was damaged since it was written";
  });
}

void StartData::WriteSeedAgain(LaunchRequest* launch) {
  seed_ = MakeSeed(SourceContext(), RequestOfSeed());  // Says why.
  UseSeed(*seed_, launch);
}

void StartData::StopChecking() {
  stop_checking_.Request();
  if (damage_.valid()) damage_.wait();
  damage_ = {};
}

bool StartData::UseWarmOfPoint(LaunchRequest* launch) {
  std::optional<WarmLease> lease = clusters_.FindAt(purpose_, point_);
  if (!lease) return false;
  from_ = DataFrom::kWarm;
  StartFrom(*std::move(lease), launch);
  return true;
}

bool StartData::UseWarm(LaunchRequest* launch) {
  if (!UsesWarm()) return false;
  if (UseWarmOfPoint(launch)) return true;
  // What two states of the source differ in is not what their subsets differ in.
  if (request_.subset) return false;
  std::optional<WarmLease> lease = clusters_.FindNear(purpose_, point_);
  return lease && Carry(*std::move(lease), launch);
}

void StartData::StartFrom(WarmLease lease, LaunchRequest* launch) {
  const WarmCluster& cluster = lease.cluster();
  launch->tmpfs_bytes = request_.app.tmpfs_bytes > 0 ? request_.app.tmpfs_bytes : TmpfsBytesForClone(cluster);
  launch->warm.cluster = cluster.directory;
  launch->warm.server = cluster.server;
  launch->warm.lock = lease.lock_file();
  launch->warm.clone = CloneFor(request_.app.clone, cluster.bytes);
  state_.sql_bytes = cluster.state.sql_bytes;
  state_.carries = cluster.state.carries;
  state_.carried_bytes = cluster.state.carried_bytes;
  lease_ = std::move(lease);
  // A copy reads all bytes anyway, so they are checked meanwhile: what is damaged would end up in the database without
  // a word. An overlay reads only what is used, and would lose by this what it is for.
  checks_copy_ = launch->warm.clone == Clone::kCopy;
  if (!checks_copy_) return;
  if (request_.runtime.HasFilesHere()) {
    launch->warm.files = lease_->files();
  } else {
    damage_ = std::async(std::launch::async, [this] { return lease_->FindDamage(stop_checking_); });
  }
}

// The pipes for what an import, or a state that is to be kept, leaves.
void StartData::OfferPipes(LaunchRequest* launch) {
  launch->warm.pipes.clear();
  if (!UsesWarm()) return;
  const bool imports = from_ == DataFrom::kSeed;
  std::vector<WarmOffer> offers;
  if (imports) FindSoundEmpty();
  if (empty_lease_) {
    launch->warm.empty = empty_lease_->cluster().directory;
    launch->warm.empty_server = empty_lease_->cluster().server;
  } else if (imports && fs::exists(clusters_.directory())) {
    // The first import on this machine is perhaps the only one: it keeps nothing but the state.
    constexpr uint64_t kEmptyBytes = 64 << 20;
    WarmState empty;
    empty.kind = WarmKind::kEmpty;
    offers.push_back({.name = "empty", .purpose = purpose_, .state = empty, .bytes = kEmptyBytes});
  }
  if (imports || from_ == DataFrom::kCarried) {
    constexpr uint64_t kSystemBytes = 128 << 20;  // Catalogues and WAL.
    offers.push_back(
        {.name = "state", .purpose = purpose_, .state = state_, .bytes = 2 * state_.sql_bytes + kSystemBytes});
  }
  receiver_.reset();
  has_kept_ = false;
  const SentBy sent_by = request_.runtime.HasFilesHere() ? SentBy::kFiles : SentBy::kPipe;
  receiver_ = std::make_unique<WarmReceiver>(clusters_, request_.place / "run" / "warm", sent_by, offers);
  if (receiver_->wants()) launch->warm.pipes = receiver_->directory();
}

// The bytes of an empty cluster, which are few, are compared before it is used.
void StartData::FindSoundEmpty() {
  empty_lease_ = clusters_.FindEmpty(purpose_);
  if (!empty_lease_ || empty_lease_->FindDamage(request_.interrupt).empty()) return;
  const std::string id = empty_lease_->cluster().id;
  empty_lease_.reset();
  clusters_.Remove(id);
}

void StartData::FallBack(const Error& why, LaunchRequest* launch) {
  if (from_ == DataFrom::kSaved) {
    throw Error(ErrorCode::kCannotStart,
                fmt::format("what was saved as {} cannot be started: {}", request_.saved, why.what()), why.hint());
  }
  if (from_ == DataFrom::kSeed) return WriteSeedAgain(launch);
  const bool too_large = carry_ && EndOf(*carry_).too_large;
  carry_.reset();
  if (too_large) {
    request_.progress.Say(fmt::format("so much has changed since {} that the seed is imported",
                                      lease_->cluster().state.point.lsn.ToString()));
  } else {
    request_.progress.Warn(
        fmt::format("the warm cluster of {} cannot be used, so the seed is imported: {}",
                    foreign_.empty() ? lease_->cluster().state.point.lsn.ToString() : foreign_.native(), why.what()));
  }
  StopChecking();
  const std::string id = lease_->cluster().id;
  lease_.reset();
  if (!too_large) clusters_.Remove(id);
  launch->warm = {};
  imports_ = true;
  UseSeed(seed_ ? *seed_ : MakeSeed(SourceContext(), RequestOfSeed()), launch);
}

void StartData::IsStarted() {
  if (receiver_ && request_.runtime.HasFilesHere()) receiver_->FilesAreIn(request_.runtime.ClusterDirectory());
}

bool StartData::AwaitDatabase(StartupWatch& watch, output::ProgressBar& progress) {
  try {
    return watch.AwaitDatabase(progress, request_.interrupt);
  } catch (const WarmUnusable&) {
    throw;
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kCannotStart && from_ == DataFrom::kSeed) BlameSeed();
    throw;
  }
}

// A damaged seed may be one that cannot be imported. One that cannot be read is not why the import has failed.
void StartData::BlameSeed() {
  try {
    RequireSound("");
  } catch (const WarmUnusable&) {
    throw;
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kInterrupted) throw;
  }
}

void StartData::RequireSound(const std::string& clone) {
  constexpr std::chrono::milliseconds kPollInterrupt{50};
  std::string damage;
  if (damage_.valid()) {
    while (damage_.wait_for(kPollInterrupt) != std::future_status::ready) request_.interrupt.Check();
    damage = damage_.get();
  } else if (lease_ && !checks_copy_ && clone == "copy") {
    damage = lease_->FindDamage(request_.interrupt);
  }
  if (!damage.empty()) throw WarmUnusable(damage);
}

void StartData::Keep(const std::map<std::string, std::string>& sends) {
  if (receiver_ && !std::exchange(has_kept_, true)) receiver_->Keep(sends, request_.interrupt);
}

std::string StartData::KeptState() {
  if (receiver_) {
    const std::map<std::string, std::string> ids = receiver_->Published();
    if (const auto state = ids.find("state"); state != ids.end()) return state->second;
  }
  return lease_ && from_ != DataFrom::kCarried ? lease_->cluster().id : "";
}

// Writes the difference between the cluster and the wanted state. A large one is not worth it: an import is as fast,
// and leaves a cluster from which the next starts carry little. It is written while the cluster is copied, where only
// the entrypoint has to wait for it.
bool StartData::Carry(WarmLease lease, LaunchRequest* launch) {
  constexpr uint64_t kMostPart = 10;  // A tenth.
  const WarmState has = lease.cluster().state;
  const fs::path file = CarryPath(request_.place);
  fs::create_directories(file.parent_path());
  const auto schema = launch->superuser ? CarryRequest::Schema::kMustBeTheSame : CarryRequest::Schema::kMayChange;
  const bool beside = request_.runtime.HasFilesHere() && !request_.keep;
  const fs::path pipe = beside ? CarryPipePath(request_.place) : fs::path();
  carry_context_.emplace(SourceContext());
  carry_ =
      std::make_unique<CarryRun>(*carry_context_,
                                 CarryRequest{.from = has.point,
                                              .to = request_.snapshot,
                                              .schema = schema,
                                              .output = file,
                                              .most_bytes = std::max(has.sql_bytes / kMostPart, kAlwaysCarriedBytes)},
                                 pipe);
  const std::optional<history::ResolvedPoint> to = carry_->AwaitBegin();
  CarryResult carry;
  if (!beside || !to) {
    carry = EndOf(*carry_);
    if (!carry.why_not.empty()) {
      request_.progress.Say(
          fmt::format("the warm cluster of {} cannot be carried: {}", has.point.lsn.ToString(), carry.why_not));
    }
    if (!carry.why_not.empty() || carry.too_large) {
      carry_.reset();
      return false;
    }
  }
  from_ = DataFrom::kCarried;
  carried_from_ = has.point.lsn;
  point_ = state_.point = to.value_or(carry.to);
  launch->warm.carry = file;
  launch->warm.carry_pipe = pipe;
  StartFrom(std::move(lease), launch);
  state_.carries = has.carries + 1;
  state_.carried_bytes = has.carried_bytes + carry.bytes;
  if (request_.keep) OfferPipes(launch);
  return true;
}

uint64_t StartData::carried_rows() const { return carry_ && from_ == DataFrom::kCarried ? carry_->Finish().rows : 0; }

}  // namespace rotv::launch
