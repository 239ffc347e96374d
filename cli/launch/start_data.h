// Decides what the database of a start is made from: a warm cluster that has the wanted state, one that is carried to
// it, or a seed that is imported.

#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "cli/config/app_config.h"
#include "cli/launch/carry_run.h"
#include "cli/launch/runtime.h"
#include "cli/launch/seed_file.h"
#include "cli/launch/warm_clusters.h"
#include "cli/launch/warm_receiver.h"
#include "cli/output/progress_bar.h"
#include "sync/context/context.h"

namespace rotv::launch {

class StartupWatch;

struct StartDataRequest {
  const std::filesystem::path& home;   // Of seeds, stores and warm clusters.
  const std::filesystem::path& place;  // Of this start (project.h).
  const config::AppConfig& app;
  const Runtime& runtime;
  Progress& progress;
  const Interrupt& interrupt;
  // Gives nothing if no source is configured.
  std::function<std::optional<SourceConfig>()> read_source;
  std::string snapshot = "head";
  bool subset = false;  // Only the rows of the config's [subset].
  bool pull = false;
  bool keep = false;       // Keep the state as a warm cluster in any case, also one that was carried or was there.
  std::string saved = {};  // Start from the state that was saved under this name, in place of `snapshot`.
};

// Where the data of a started database came from.
enum class DataFrom { kSeed, kWarm, kCarried, kSaved };

class StartData {
 public:
  // What `request` refers to outlives the object.
  explicit StartData(StartDataRequest request);
  ~StartData();  // Removes the file of a carry; waits until clusters are published.
  StartData(const StartData&) = delete;
  StartData& operator=(const StartData&) = delete;

  // Brings the store up to date as asked for, resolves the point and fills what `launch` says of the data: seed, roles,
  // twin, trust, tmpfs_bytes and warm; its database, superuser and admin are set before. Throws what PrepareSeed()
  // throws; kUsage if nothing was saved under the name.
  void Prepare(LaunchRequest* launch);

  // The same, if a warm cluster has the very state, or it is a saved one, and nothing has to be brought up to date
  // first. Else returns false, and Prepare() may be called.
  bool PrepareWarm(LaunchRequest* launch);

  // To be called in place of the first one's result when the warm cluster, or the seed, turned out to be unusable:
  // removes the cluster, says so, writes the seed (again), and fills `launch` for an import. Throws the error again
  // where that is no help.
  void FallBack(const Error& why, LaunchRequest* launch);

  // To be called after each Start() of the runtime.
  void IsStarted();

  // Waits as StartupWatch does. Throws WarmUnusable also if the import fails and the seed is damaged.
  bool AwaitDatabase(StartupWatch& watch, output::ProgressBar& progress);

  // Waits until the bytes of the cluster that was copied, or of the seed that is imported, are known to be those that
  // were written; `clone` says how the cluster's files were got in the end (StartupState::clone): where there was to be
  // an overlay, it may be a copy. Throws WarmUnusable.
  void RequireSound(const std::string& clone);

  // Waits until what the entrypoint sends has come (StartupState::sends), and keeps it in the background. Can be called
  // again, and then does nothing.
  void Keep(const std::map<std::string, std::string>& sends);
  // Waits for that; the cluster that has the state: a new one, or the one that it was started from. Empty: none.
  std::string KeptState();

  // Set by Prepare() and FallBack().
  const history::ResolvedPoint& point() const { return point_; }
  const std::string& source() const { return source_; }                   // Empty: a foreign seed.
  const std::filesystem::path& foreign_seed() const { return foreign_; }  // Else empty.
  const std::string& subset() const { return purpose_.subset; }           // SubsetFingerprint(); empty: all rows.
  int64_t fresh_us() const { return fresh_us_; }                          // The time by which the data's age goes.
  DataFrom from() const { return from_; }
  Lsn carried_from() const { return carried_from_; }  // Of kCarried, as is the next one.
  uint64_t carried_rows() const;                      // Waits until the difference is written.

 private:
  void Describe(const std::set<std::string>& roles, const DatabaseFacts& facts, const std::string& subset,
                LaunchRequest* launch);
  void UseSaved(LaunchRequest* launch);
  void UsePoint(LaunchRequest* launch);
  bool UseWarmOfPoint(LaunchRequest* launch);
  void UseSeed(const Seed& seed, LaunchRequest* launch);
  void UseWrittenSeed(LaunchRequest* launch);
  void WriteSeedAgain(LaunchRequest* launch);
  void StopChecking();
  void BlameSeed();
  bool UseWarm(LaunchRequest* launch);
  bool Carry(WarmLease lease, LaunchRequest* launch);
  void StartFrom(WarmLease lease, LaunchRequest* launch);
  void OfferPipes(LaunchRequest* launch);
  void FindSoundEmpty();
  void RequireSubset() const;
  bool UsesWarm() const { return request_.app.keep_prepared && !request_.app.persistent; }
  Context SourceContext() const;
  SeedRequest RequestOfSeed() const;

  const StartDataRequest request_;
  const WarmClusters clusters_;
  std::optional<SourceConfig> config_;
  WarmPurpose purpose_;  // Of what is started, as is the next one.
  WarmState state_;
  std::optional<Seed> seed_;  // If one was there or is written.
  bool imports_ = false;      // Whatever warm clusters there are.
  history::ResolvedPoint point_;
  std::string source_;
  std::filesystem::path foreign_;
  int64_t fresh_us_ = 0;
  DataFrom from_ = DataFrom::kSeed;
  Lsn carried_from_;
  std::optional<Context> carry_context_;  // Of the next one.
  std::unique_ptr<CarryRun> carry_;
  std::optional<WarmLease> lease_;        // Of the cluster that it starts from,
  std::optional<WarmLease> empty_lease_;  // and of the one into which a seed is imported.
  Interrupt stop_checking_;
  bool checks_copy_ = false;  // The bytes are checked while they are copied, or beside it.
  std::future<std::string> damage_;
  std::unique_ptr<WarmReceiver> receiver_;
  bool has_kept_ = false;
};

}  // namespace rotv::launch
