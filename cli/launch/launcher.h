// Starts the application on a seed, and waits until it answers.

#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "cli/config/app_config.h"
#include "cli/config/env_file.h"
#include "cli/launch/largest_tables.h"
#include "cli/launch/launch_state.h"
#include "cli/launch/project.h"
#include "cli/launch/runtime.h"
#include "cli/launch/start_data.h"
#include "cli/output/progress_bar.h"
#include "os/environment.h"
#include "sync/context/context.h"
#include "sync/materialize.h"

namespace rotv::launch {

struct LaunchOptions {
  std::string snapshot = "head";
  bool subset = false;  // Only the rows of the config's [subset].
  bool pull = false;
  bool wait = false;       // Wait for the application without a time limit.
  bool replace = false;    // Stop a running application, once all checks have passed.
  bool keep = false;       // Keep the state as a warm cluster in any case.
  std::string saved = {};  // The name of a saved state; in place of `snapshot`.
};

struct LaunchResult {
  bool already_running = false;  // If true, nothing was done.
  LaunchState state;
  history::ResolvedPoint point;  // The data's point; not set if a persistent cluster was started as it was.
  std::optional<DataFrom> from;  // Nothing if that was.
  Lsn carried_from;              // Of DataFrom::kCarried, as are the next two.
  uint64_t carried_rows = 0;
  double carry_seconds = 0;
  std::string clone;               // How the files of a warm cluster were got: "copy" or "overlay"; else empty.
  std::string runtime;             // The runtime's Describe().
  bool application = true;         // False: there is none, and only the database runs.
  std::vector<TableCount> tables;  // The largest five; empty if they could not be counted.
  double seed_seconds = 0;
  double seconds = 0;
};

// The objects that Launch() works with. All outlive the call.
struct LaunchPlace {
  const std::filesystem::path& home;  // Of seeds and stores.
  const Project& project;
  const config::AppConfig& app;  // The options of the command line are applied.
  const os::Environment& environment;
  const config::EnvFiles& env_files;
  Runtime& runtime;
  output::ProgressBar& progress;
  const Interrupt& interrupt;
  // Called only if a seed is needed. Gives nothing if no source is configured.
  std::function<std::optional<SourceConfig>()> read_source;
};

// Starts the database on a seed, and the application. On return both answer. Says first which runtime it is. First
// checks everything that can be checked quickly: what the runtime needs, the environment, the port. Whatever a killed
// start left is replaced. When it throws, nothing that it started is left running; the log stays in PLACE/run/app.log.
// Throws what ClaimPlace() does.
LaunchResult Launch(const LaunchPlace& place, const LaunchOptions& options);

std::string UrlOf(const LaunchState& state);

}  // namespace rotv::launch
