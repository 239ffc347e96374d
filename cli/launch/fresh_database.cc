#include "cli/launch/fresh_database.h"

#include <fmt/format.h>

#include <chrono>
#include <utility>

#include "cli/launch/fresh_place.h"
#include "cli/launch/launch_state.h"
#include "cli/launch/startup_watch.h"
#include "os/clock.h"
#include "os/random_text.h"

namespace rotv::launch {
namespace {

constexpr size_t kPortPasswordDigits = 32;

StartDataRequest StartDataOf(const FreshRequest& request) {
  return {.home = request.home,
          .place = request.place,
          .app = request.app,
          .runtime = request.runtime,
          .progress = request.progress,
          .interrupt = request.interrupt,
          .read_source = request.read_source,
          .snapshot = request.snapshot,
          .subset = request.subset,
          .saved = request.saved};
}

LaunchRequest DatabaseOnly(const FreshRequest& request) {
  const config::AppConfig& app = request.app;
  LaunchRequest launch{
      .app_directory = app.directory,
      .database_only = true,
      .owner = OwnerFile(request.place),
      .image = app.image,
      .database = app.database,
      .superuser = app.superuser,
      .database_port = app.database_port,
      .database_password = app.database_port != 0 ? os::RandomText(os::kHexDigits, kPortPasswordDigits) : ""};
  request.runtime.CheckReady(launch);
  return launch;
}

// Stops what runs in a place when it goes, unless it was told not to.
class RunningDatabase {
 public:
  RunningDatabase(Runtime& runtime, output::ProgressBar& progress) : runtime_(&runtime), progress_(progress) {}
  ~RunningDatabase() {
    if (runtime_ == nullptr) return;
    try {
      runtime_->Stop();
    } catch (const std::exception& error) {
      progress_.Warn(error.what());
    }
  }
  RunningDatabase(const RunningDatabase&) = delete;
  RunningDatabase& operator=(const RunningDatabase&) = delete;
  void Keep() { runtime_ = nullptr; }

 private:
  Runtime* runtime_;
  output::ProgressBar& progress_;
};

// On return the database answers. Throws WarmUnusable if it was to start from a warm cluster that cannot be used.
StartupState StartOnce(const FreshRequest& request, const LaunchRequest& launch, StartData& data) {
  // A command that finds what a killed one has left knows by this what to stop.
  WriteLaunchState(request.place, {.runtime = request.runtime.name(), .database = launch.database});
  request.runtime.Start(launch);
  RunningDatabase running(request.runtime, request.progress);
  data.IsStarted();
  StartupWatch watch(request.runtime, request.place / "run" / "app.log");
  data.AwaitDatabase(watch, request.progress);
  data.RequireSound(watch.State().clone);
  running.Keep();
  return watch.State();
}

// The same, with a copy where no overlay can be made, and with an import where the warm cluster cannot be used.
StartupState StartOrImport(const FreshRequest& request, LaunchRequest& launch, StartData& data) {
  while (true) {
    try {
      return StartOnce(request, launch, data);
    } catch (const CloneRefused& why) {
      if (launch.warm.clone == Clone::kCopy) throw;
      request.progress.Warn(fmt::format("no overlay can be made, so the warm cluster is copied: {}", why.what()));
      launch.warm.clone = Clone::kCopy;
    } catch (const WarmUnusable& why) {
      data.FallBack(why, &launch);
    }
  }
}

}  // namespace

FreshDatabase::FreshDatabase(const FreshRequest& request, LaunchRequest launch, StartData& data)
    : runtime_(request.runtime), progress_(request.progress) {
  StartOrImport(request, launch, data);
  if (launch.database_port == 0) {
    database_ = runtime_.Database();
  } else {
    database_ = {
        .port = launch.database_port, .tcp = true, .password = launch.database_password, .name = launch.database};
  }
}

std::unique_ptr<FreshDatabase> FreshDatabase::OnWarmCluster(const FreshRequest& request) {
  LaunchRequest launch = DatabaseOnly(request);
  StartData data(StartDataOf(request));
  if (!data.PrepareWarm(&launch)) return nullptr;
  return std::unique_ptr<FreshDatabase>(new FreshDatabase(request, std::move(launch), data));
}

std::unique_ptr<FreshDatabase> FreshDatabase::OnAnything(const FreshRequest& request) {
  LaunchRequest launch = DatabaseOnly(request);
  StartData data(StartDataOf(request));
  data.Prepare(&launch);
  return std::unique_ptr<FreshDatabase>(new FreshDatabase(request, std::move(launch), data));
}

FreshDatabase::~FreshDatabase() { const RunningDatabase ends(runtime_, progress_); }

MadeWarm MakeWarmCluster(const FreshRequest& request) {
  const auto start = std::chrono::steady_clock::now();
  LaunchRequest launch = DatabaseOnly(request);
  StartDataRequest data_request = StartDataOf(request);
  data_request.keep = true;
  StartData data(std::move(data_request));
  if (data.PrepareWarm(&launch)) return {.id = data.KeptState(), .is_new = false, .from = data.from()};
  data.Prepare(&launch);
  if (data.from() == DataFrom::kWarm) return {.id = data.KeptState(), .is_new = false, .from = data.from()};
  {
    const StartupState state = StartOrImport(request, launch, data);
    const RunningDatabase ends(request.runtime, request.progress);
    data.Keep(state.sends);
  }
  MadeWarm made{.id = data.KeptState(), .is_new = true, .from = data.from(), .carried_from = data.carried_from()};
  made.seconds = os::SecondsSince(start);
  return made;
}

}  // namespace rotv::launch
