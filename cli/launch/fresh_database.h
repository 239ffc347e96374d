// Runs a database alone, without an application, for the time of one command: on a clone of a warm cluster, or to make
// one.

#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "cli/config/app_config.h"
#include "cli/launch/application_environment.h"
#include "cli/launch/runtime.h"
#include "cli/launch/start_data.h"
#include "cli/output/progress_bar.h"
#include "sync/context/context.h"

namespace rotv::launch {

// What is referred to outlives the call, or the FreshDatabase.
struct FreshRequest {
  const std::filesystem::path& home;
  const std::filesystem::path& place;  // Of a FreshPlace.
  const config::AppConfig& app;        // With a database_port, it has that one, and a password.
  Runtime& runtime;                    // Of the place.
  output::ProgressBar& progress;
  const Interrupt& interrupt;
  std::function<std::optional<SourceConfig>()> read_source;  // Gives nothing if no source is configured.
  std::string snapshot = "head";
  bool subset = false;     // Only the rows of the config's [subset].
  std::string saved = {};  // The name of saved data, in place of `snapshot`.
};

class FreshDatabase {
 public:
  // Starts one on a clone of the warm cluster that has the state. Returns nothing, and has started nothing, if there is
  // none. Throws what Runtime::CheckReady() does, kUsage for a point that does not exist, kCannotStart.
  static std::unique_ptr<FreshDatabase> OnWarmCluster(const FreshRequest& request);
  // The same from whatever there is: a seed is imported where no warm cluster can be used.
  static std::unique_ptr<FreshDatabase> OnAnything(const FreshRequest& request);
  ~FreshDatabase();  // Stops it; nothing of it is left.
  FreshDatabase(const FreshDatabase&) = delete;
  FreshDatabase& operator=(const FreshDatabase&) = delete;

  // As a program of this machine reaches it.
  const OwnDatabase& database() const { return database_; }

 private:
  FreshDatabase(const FreshRequest& request, LaunchRequest launch, StartData& data);

  Runtime& runtime_;
  output::ProgressBar& progress_;
  OwnDatabase database_;
};

struct MadeWarm {
  std::string id;       // Of the warm cluster; empty if none could be kept.
  bool is_new = false;  // False: it was there.
  DataFrom from = DataFrom::kSeed;
  Lsn carried_from;  // Of kCarried.
  double seconds = 0;
};
// Makes a warm cluster of the state, if there is none. Only one process at a time should do so: others would do the
// same work. Throws what FreshDatabase does.
MadeWarm MakeWarmCluster(const FreshRequest& request);

}  // namespace rotv::launch
