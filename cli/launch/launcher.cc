#include "cli/launch/launcher.h"

#include <fmt/format.h>

#include <chrono>
#include <ctime>
#include <thread>

#include "cli/launch/env_example.h"
#include "cli/launch/http_probe.h"
#include "cli/launch/largest_tables.h"
#include "cli/launch/start_data.h"
#include "cli/launch/startup_watch.h"
#include "cli/output/format.h"
#include "os/clock.h"
#include "os/process_list.h"
#include "os/random_text.h"
#include "storage/error.h"

namespace rotv::launch {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::milliseconds kPollAnswer{10};
constexpr std::chrono::seconds kApplicationTimeout{120};  // After the import.
constexpr size_t kPasswordDigits = 32;

void RequireFreePort(const LaunchPlace& place, int port) {
  std::string holder = os::WhoListensOn(port);
  if (holder.empty()) return;
  for (const Project& other : KnownProjects(place.home)) {
    const std::optional<LaunchState> state = ReadLaunchState(other.place);
    if (state && (state->port == port || state->database_port == port)) {
      holder = fmt::format("the application {} of {} (rotv list)", other.name, other.directory.native());
    }
  }
  throw Error(ErrorCode::kUsage, fmt::format("port {} is in use by {}", port, holder),
              "stop it, or choose another port: rotv start --port N, or port = N in [app] of rotv.toml");
}

void AwaitApplication(const LaunchPlace& place, StartupWatch& watch, bool without_limit) {
  auto start = Clock::now();
  place.progress.Begin("waiting for the application", Progress::Unit::kItems, 0);
  while (true) {
    place.interrupt.Check();
    place.progress.Update(0);  // Shows that it still waits.
    HttpResponse answer = ProbeHttp(place.app.port, place.app.health);
    if (answer.answers()) break;
    watch.RequireAlive();
    if (!without_limit && Clock::now() - start > kApplicationTimeout) {
      throw Error(ErrorCode::kCannotStart,
                  fmt::format("the application does not answer at http://127.0.0.1:{}{}: {}", place.app.port,
                              place.app.health, answer.reason()),
                  fmt::format("see {}; --wait waits for a slow application", watch.log_file().native()));
    }
    std::this_thread::sleep_for(kPollAnswer);
  }
  place.progress.End();
}

// They are for people: a start does not fail because they cannot be counted.
std::vector<TableCount> RowsOf(LargestTables& largest, const LaunchPlace& place) {
  try {
    return largest.Take(place.interrupt);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kInterrupted) throw;
    place.progress.Warn(error.what());
    return {};
  }
}

// Why it ended or does not answer, the application may have said in more than the one line that the error has.
void ShowLastLines(const LaunchPlace& place, const StartupWatch& watch) {
  if (watch.State().phase != "application") return;
  const std::vector<std::string> lines = watch.LastLines();
  if (lines.size() < 2) return;
  place.progress.Say("the application's last lines:");
  for (const std::string& line : lines) place.progress.Say("| " + line);
}

// Everything about the start that needs no seed. Throws if the runtime, the environment or the application's variables
// are not what a start needs.
LaunchRequest RequestFor(const LaunchPlace& place) {
  LaunchRequest request{
      .app_directory = place.app.directory,
      .app_command = place.app.command,
      .image = place.app.image,
      .project = place.app.image_is_named ? std::filesystem::path() : place.project.directory,
      .restart = place.app.restart,
      .database = place.app.database,
      .superuser = place.app.superuser,
      .port = place.app.port,
      .database_port = place.app.database_port,
      .database_password = place.app.database_port != 0 ? os::RandomText(os::kHexDigits, kPasswordDigits) : ""};
  if (place.app.persistent) request.persistent_dir = place.project.place / "pgdata";
  place.runtime.CheckReady(request);
  EnvironmentReport environment =
      ReadAppEnvironment(place.app.directory, place.app.env_file, place.environment, place.env_files);
  RequireUsable(environment);
  request.environment = environment.variables;
  request.rules = place.app.environment_rules;
  os::Environment all = environment.variables;
  all.merge(place.runtime.Inherited());
  RequireOwnDatabase(all, request.rules, place.runtime.Database());
  return request;
}

// Says in result what the data is.
void TellData(const StartData& data, const LaunchOptions& options, LaunchResult& result) {
  result.point = data.point();
  result.from = data.from();
  result.carried_from = data.carried_from();
  result.state.source = data.source();
  result.state.seed_file = data.foreign_seed();
  result.state.saved = options.saved;
  result.state.snapshot = options.snapshot;
  result.state.subset = options.subset;
  result.state.subset_made_by = data.subset();
  result.state.lsn = data.source().empty() ? "" : data.point().lsn.ToString();
  result.state.data_time_us = data.point().time_us;
}

// Starts the runtime; the destructor stops it again unless Keep() was called.
class Launched {
 public:
  Launched(const LaunchPlace& place, const LaunchRequest& request) : place_(place) { place.runtime.Start(request); }
  ~Launched() {
    if (kept_) return;
    try {
      place_.runtime.Stop();
      RemoveLaunchState(place_.project.place);
    } catch (const std::exception& error) {
      place_.progress.Warn(error.what());
    }
  }
  Launched(const Launched&) = delete;
  Launched& operator=(const Launched&) = delete;
  void Keep() { kept_ = true; }

 private:
  const LaunchPlace& place_;
  bool kept_ = false;
};

// Starts it, and waits until the database and the application answer.
void Run(const LaunchPlace& place, const LaunchOptions& options, const LaunchRequest& request, StartData& data,
         LaunchResult& result) {
  WriteLaunchState(place.project.place, result.state);
  Launched launched(place, request);
  data.IsStarted();
  {
    StartupWatch watch(place.runtime, place.project.place / "run" / "app.log");
    try {
      result.application = data.AwaitDatabase(watch, place.progress);
      result.clone = watch.State().clone;
      result.carry_seconds = watch.State().carry_seconds;
      LargestTables largest(place.runtime, result.clone == "overlay" ? CountRows::kAbout : CountRows::kExactly);
      data.RequireSound(result.clone);
      result.carried_rows = data.carried_rows();
      if (result.application) AwaitApplication(place, watch, options.wait);
      result.tables = RowsOf(largest, place);
      data.Keep(watch.State().sends);
    } catch (const WarmUnusable&) {
      throw;
    } catch (const Error& error) {
      // The database is what was wanted, whatever the application does.
      if (error.code() == ErrorCode::kCannotStart && watch.State().database_ready) data.Keep(watch.State().sends);
      data.KeptState();  // Else its record would be written into what is removed now.
      if (error.code() == ErrorCode::kCannotStart) ShowLastLines(place, watch);
      throw;
    }
  }
  if (result.application) result.state.health = place.app.health;
  result.state.ready = true;
  WriteLaunchState(place.project.place, result.state);
  launched.Keep();
}

}  // namespace

std::string UrlOf(const LaunchState& state) { return fmt::format("http://127.0.0.1:{}/", state.port); }

LaunchResult Launch(const LaunchPlace& place, const LaunchOptions& options) {
  auto start = Clock::now();
  LaunchLock lock(place.project.place);
  ClaimPlace(place.project);
  place.runtime.LookAhead(place.app.image);
  LaunchResult result{.runtime = place.runtime.Describe()};
  place.progress.Say(fmt::format("runtime: {}", result.runtime));
  RunState found = place.runtime.State();
  std::optional<LaunchState> earlier = ReadLaunchState(place.project.place);
  const bool runs = found == RunState::kRunning && earlier && earlier->ready;
  if (runs && !options.replace) {
    result.already_running = true;
    result.state = *earlier;
    return result;
  }
  if (found != RunState::kNone && !runs) place.runtime.Stop();  // Left by a start that was killed, or ended by itself.

  LaunchRequest request = RequestFor(place);
  if (!runs || earlier->port != place.app.port) RequireFreePort(place, place.app.port);
  if (request.database_port != 0 && !(runs && earlier->database_port == request.database_port)) {
    RequireFreePort(place, request.database_port);
  }

  result.state = {.runtime = place.runtime.name(),
                  .port = place.app.port,
                  .persistent = place.app.persistent,
                  .directory = place.app.directory,
                  .database = place.app.database,
                  .database_port = request.database_port,
                  .database_password = request.database_password};
  StartData data({.home = place.home,
                  .place = place.project.place,
                  .app = place.app,
                  .runtime = place.runtime,
                  .progress = place.progress,
                  .interrupt = place.interrupt,
                  .read_source = place.read_source,
                  .snapshot = options.snapshot,
                  .subset = options.subset,
                  .pull = options.pull,
                  .keep = options.keep,
                  .saved = options.saved});
  const bool has_data = place.app.persistent && place.runtime.HasCluster(request.persistent_dir);
  if (!has_data) {
    data.Prepare(&request);
    TellData(data, options, result);
  }
  if (place.app.persistent) std::filesystem::create_directories(request.persistent_dir);
  result.seed_seconds = os::SecondsSince(start);
  if (runs) place.runtime.StopForNext();
  result.state.started_time_us = os::NowMicroseconds();
  for (bool runs_now = false; !runs_now;) {
    try {
      Run(place, options, request, data, result);
      runs_now = true;
    } catch (const CloneRefused& why) {
      place.progress.Warn(fmt::format("no overlay can be made, so the warm cluster is copied: {}", why.what()));
      request.warm.clone = Clone::kCopy;
    } catch (const WarmUnusable& why) {
      data.FallBack(why, &request);
      TellData(data, options, result);
    }
  }
  result.seconds = os::SecondsSince(start);
  if (data.from() == DataFrom::kSeed) result.state.kept = data.KeptState();
  if (!result.state.kept.empty()) WriteLaunchState(place.project.place, result.state);
  return result;
}

}  // namespace rotv::launch
