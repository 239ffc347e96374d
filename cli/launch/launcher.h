// Starts the application on a seed, and says when it answers.

#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "cli/config/app_config.h"
#include "cli/launch/launch_state.h"
#include "cli/launch/runtime.h"
#include "cli/output/progress_bar.h"
#include "os/environment.h"
#include "sync/context/context.h"
#include "sync/materialize.h"

namespace rotv::launch {

struct LaunchOptions {
  std::string snapshot = "head";
  bool pull = false;
  bool wait = false;     // For the application without a limit of time.
  bool replace = false;  // What runs, which goes on until everything else that can be checked was.
};

struct TableCount {
  std::string name;  // Quoted where it has to be.
  uint64_t rows = 0;
};

struct LaunchResult {
  bool already_running = false;  // Then nothing was done.
  LaunchState state;
  history::ResolvedPoint point;    // Of the data; not known where the persistent cluster was left as it was.
  std::string runtime;             // For people.
  bool application = true;         // Otherwise there is none, and the database alone runs.
  std::vector<TableCount> tables;  // The largest five.
  double seed_seconds = 0;
  double seconds = 0;
};

// What launching works with. All outlive the call.
struct LaunchPlace {
  const std::filesystem::path& home;
  const config::AppConfig& app;  // With what the command line says put in.
  const os::Environment& environment;
  Runtime& runtime;
  output::ProgressBar& progress;
  const Interrupt& interrupt;
  std::function<SourceConfig()> read_source;  // Called only if a seed is needed.
};

// Checks everything that can be checked before it takes long: what the runtime needs, the environment, the port. On
// return database and application answer. What a killed start left is replaced. When it throws, nothing new is left
// running; the log stays in HOME/run/app.log.
LaunchResult Launch(const LaunchPlace& place, const LaunchOptions& options);

// The tables with the most bytes of the running database, with their exact numbers of rows.
std::vector<TableCount> LargestTables(const Runtime& runtime, const Interrupt& interrupt);

std::string UrlOf(const LaunchState& state);

}  // namespace rotv::launch
