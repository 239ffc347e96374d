// Compares the schema of a seed with what the application's migrations build, on a server made for it.

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

namespace rotv::drift {

struct DriftPlace {
  const Context& context;  // Of the source whose seed it is.
  const config::AppConfig& app;
  const config::DriftConfig& config;
  output::ProgressBar& progress;
  std::function<std::unique_ptr<launch::Runtime>(const std::filesystem::path& home)> make_runtime;
};

struct DriftCheck {
  SchemaDrift drift;       // Before: the seed. After: the migrations.
  history::Point point;    // Of the seed.
  std::string migrations;  // For people: "2 files of /app/migrations", "npm run migrate".
};

// At "head", "baseline" or a snapshot; nothing of it stays. Throws kUsage, with the words of psql or of the command, if
// the migrations cannot be applied or none are to be found; and what ScratchServer and ReadSchemaText() throw.
DriftCheck CheckDrift(const DriftPlace& place, const std::string& snapshot);

// "2 only in production, 1 different"; empty if nothing differs. Pure.
std::string DriftCounts(const SchemaDrift& drift, const std::string& source);

// As CheckDrift(), at what a name was resolved to, but only if anything has changed since the last time that said so
// (HOME/scratch keeps what it found); a line for people, empty where there is no difference. A command's work is not
// known to change, so it is done every time.
std::string DriftWarning(const DriftPlace& place, const history::ResolvedPoint& point);

}  // namespace rotv::drift
