// Compares the schema of a seed with what the application's migrations build, on a server that runs only for this.

#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "cli/config/app_config.h"
#include "cli/config/drift_config.h"
#include "cli/launch/runtime.h"
#include "cli/output/progress_bar.h"
#include "sync/context/context.h"
#include "sync/find_drift.h"
#include "sync/schema_text.h"

namespace rotv::migrations {

struct DriftPlace {
  const Context& context;  // The context of the seed's source.
  const config::AppConfig& app;
  const config::DriftConfig& config;
  output::ProgressBar& progress;
  std::function<std::unique_ptr<launch::Runtime>(const std::filesystem::path& home)> make_runtime;
};

struct DriftCheck {
  drift::SchemaDrift drift;  // Before: the seed. After: the migrations.
  history::Point point;      // The point of the seed.
  std::string migrations;    // For people: "2 files of /app/migrations", "npm run migrate".
};

// Compares at "head", "baseline" or a snapshot; removes everything that it started. Throws kUsage, with the message of
// psql or of the command, if the migrations cannot be applied; kUsage if there are no migrations; and what
// launch::ScratchServer and ReadSchemaText() throw.
DriftCheck CheckDrift(const DriftPlace& place, const std::string& snapshot);

// "2 only in production, 1 different"; empty if nothing differs. Pure.
std::string DriftCounts(const drift::SchemaDrift& drift, const std::string& source);

// Returns a line for people; empty if there is no difference. Compares like CheckDrift(), at a point that a name was
// resolved to, but only if anything has changed since the last comparison, whose result HOME/scratch keeps. Whether the
// work of a command has changed cannot be known, so a command is run every time.
std::string DriftWarning(const DriftPlace& place, const history::ResolvedPoint& point);

}  // namespace rotv::migrations
