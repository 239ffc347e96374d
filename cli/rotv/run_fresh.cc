// Runs a command on a database of its own, which is made for it and gone afterwards.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <memory>
#include <string>
#include <vector>

#include "cli/config/home.h"
#include "cli/launch/application_environment.h"
#include "cli/launch/fresh_database.h"
#include "cli/launch/fresh_place.h"
#include "cli/launch/saved_data.h"
#include "cli/rotv/command.h"
#include "os/foreground_program.h"
#include "os/free_port.h"
#include "storage/error.h"

namespace rotv {
namespace {

int RunOnDatabase(const program::Invocation& call, const config::AppConfig& app, const launch::OwnDatabase& database,
                  const std::vector<std::string>& words) {
  const launch::ShellEnvironment shell = launch::ForShell(call.environment, app.environment_rules, database);
  if (!shell.withheld.empty()) {
    call.progress.Warn(
        fmt::format("not passed on, because they lead to another database: {}", fmt::join(shell.withheld, ", ")));
  }
  return os::RunInForeground(words, shell.variables);
}

}  // namespace

int RunOnFreshDatabase(const program::Invocation& call, const RuntimeOption& option, const WantedData& data,
                       const std::vector<std::string>& words) {
  config::OpenHome(call.home);
  launch::RemoveLeftFresh(call.home, call.environment, call.progress, call.interrupt);
  const launch::Project own = ProjectOf(call, option);
  config::AppConfig app = AppOf(call, own);
  app.persistent = false;
  app.keep_prepared = true;  // It is asked for.
  // Each has a port of its own, whatever the config's number is.
  if (app.database_port != 0) app.database_port = os::FreePort();
  const launch::FreshPlace place(call.home, call.interrupt);
  const std::unique_ptr<launch::Runtime> runtime = ScratchRuntime(call, option, app, own, place.path());
  if (runtime->name() != "local" && app.database_port == 0) app.database_port = os::FreePort();
  const std::string snapshot = data.point.empty() ? "head" : data.point;
  const std::string saved = !data.point.empty() && launch::IsSaved(call.home, data.point) ? data.point : "";
  if (data.subset) RequireNotSavedData(saved);
  const launch::FreshRequest request{.home = call.home,
                                     .place = place.path(),
                                     .app = app,
                                     .runtime = *runtime,
                                     .progress = call.progress,
                                     .interrupt = call.interrupt,
                                     .read_source = [&] { return SourceOrNone(call, snapshot, false); },
                                     .snapshot = snapshot,
                                     .subset = data.subset,
                                     .saved = saved};
  std::unique_ptr<launch::FreshDatabase> fresh = launch::FreshDatabase::OnWarmCluster(request);
  if (!fresh) {
    // One of several that find none makes it; the others wait.
    MakeWarm(call, option, {.point = snapshot, .subset = data.subset}, Hurry::kSomebodyWaits);
    fresh = launch::FreshDatabase::OnAnything(request);
  }
  return RunOnDatabase(call, app, fresh->database(), words);
}

}  // namespace rotv
