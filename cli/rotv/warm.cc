// The command warm makes warm clusters beforehand, lists them and removes them.

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "cli/config/home.h"
#include "cli/launch/fresh_database.h"
#include "cli/launch/fresh_place.h"
#include "cli/launch/saved_data.h"
#include "cli/launch/warm_clusters.h"
#include "cli/output/format.h"
#include "cli/rotv/command.h"
#include "os/idle_priority.h"
#include "storage/atomic_file.h"
#include "storage/error.h"
#include "storage/handle.h"

namespace rotv {
namespace {

// As many points are kept warm on purpose; the one that was used least recently is then kept as any other.
constexpr size_t kMostPinned = 8;

struct WarmFlags {
  std::vector<std::string> snapshots;
  bool subset = false;
  bool list = false;
  bool idle = false;
  std::string remove;
};

// Held while a warm cluster is made: who waited for it finds what the other has made. Nobody waits for one that gives
// way to everything, which may take long.
FileDescriptor TakeWarmTurn(const program::Invocation& call, Hurry hurry) {
  std::filesystem::create_directories(call.home / "run");
  FileDescriptor file =
      OpenOrCreateFile(call.home / "run" / (hurry == Hurry::kNone ? "warm-idle.lock" : "warm.lock"), O_RDWR);
  for (bool said = false; flock(file.get(), LOCK_EX | LOCK_NB) != 0; said = true) {
    call.interrupt.Check();
    if (!said) call.progress.Say("waiting for another rotv, which makes a warm cluster");
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return file;
}

// The name under which a point of a source is pinned.
std::string PinOf(const std::string& source, const std::string& point) { return source + "/" + point; }

void BoundPins(const launch::WarmClusters& clusters) {
  size_t pinned = 0;
  for (const launch::WarmCluster& cluster : clusters.All()) {  // The most recently used first.
    if (cluster.state.pinned.empty() || ++pinned <= kMostPinned) continue;
    for (const std::string& name : cluster.state.pinned) clusters.Unpin(name);
  }
}

std::string WhatItHolds(const launch::WarmCluster& cluster) {
  switch (cluster.state.kind) {
    case launch::WarmKind::kEmpty:
      return "empty databases";
    case launch::WarmKind::kForeign:
      return "a seed that was put there by hand";
    case launch::WarmKind::kSaved:
      return fmt::format("saved data {}, no state of production", cluster.state.saved_as);
    case launch::WarmKind::kState:
      break;
  }
  return fmt::format("{}{} at {} ({})", cluster.state.subset.empty() ? "" : "a subset of ", cluster.source,
                     cluster.state.point.lsn.ToString(), output::HumanTime(cluster.state.point.time_us));
}

const char* KindName(launch::WarmKind kind) {
  switch (kind) {
    case launch::WarmKind::kEmpty:
      return "empty";
    case launch::WarmKind::kForeign:
      return "foreign";
    case launch::WarmKind::kSaved:
      return "saved";
    case launch::WarmKind::kState:
      break;
  }
  return "state";
}

output::Json ClusterJson(const launch::WarmCluster& cluster) {
  const bool has_point = cluster.state.point.lsn != Lsn();
  output::Json document;
  document["id"] = cluster.id;
  document["kind"] = KindName(cluster.state.kind);
  document["source"] = cluster.source;
  document["lsn"] = has_point ? output::Json(cluster.state.point.lsn.ToString()) : output::Json();
  document["source_time"] = has_point ? output::Json(output::IsoTime(cluster.state.point.time_us)) : output::Json();
  document["subset"] = cluster.state.subset.empty() ? output::Json() : output::Json(cluster.state.subset);
  document["saved_as"] =
      cluster.state.kind == launch::WarmKind::kSaved ? output::Json(cluster.state.saved_as) : output::Json();
  document["pinned"] = cluster.state.pinned;
  document["carries"] = cluster.state.carries;
  document["bytes"] = cluster.bytes;
  document["made"] = output::IsoTime(cluster.made_time_us);
  document["used"] = output::IsoTime(cluster.used_time_us);
  return document;
}

int ListWarm(const program::Invocation& call) {
  std::string text;
  output::Json document = output::Json::array();
  for (const launch::WarmCluster& cluster : launch::WarmClusters(call.home).All()) {
    text += fmt::format(
        "{}  {:>8}  {}{}\n", cluster.id, output::HumanBytes(cluster.bytes), output::OneLine(WhatItHolds(cluster)),
        cluster.state.pinned.empty() ? "" : fmt::format(", kept for {}", fmt::join(cluster.state.pinned, ", ")));
    document.push_back(ClusterJson(cluster));
  }
  if (text.empty()) text = "There are no warm clusters yet: rotv warm makes one.\n";
  call.output.Result(text, output::Json{{"clusters", document}});
  return 0;
}

// `which` is an id, the name of saved data, or "all", which leaves saved data.
int RemoveWarm(const program::Invocation& call, const std::string& which) {
  config::OpenHome(call.home);
  const launch::WarmClusters clusters(call.home);
  std::vector<launch::WarmCluster> chosen = clusters.All();
  std::erase_if(chosen, [&](const launch::WarmCluster& cluster) {
    const bool is_saved = cluster.state.kind == launch::WarmKind::kSaved;
    if (which == "all") return is_saved;
    return cluster.id != which && !(is_saved && cluster.state.saved_as == which);
  });
  if (chosen.empty() && which != "all") {
    throw Error(ErrorCode::kUsage, fmt::format("there is no warm cluster {}", output::OneLine(which)),
                "rotv warm --list has their ids, and the names of saved data");
  }
  uint64_t bytes = 0;
  std::string text;
  output::Json removed = output::Json::array();
  size_t in_use = 0;
  for (const launch::WarmCluster& cluster : chosen) {
    if (!clusters.Remove(cluster.id)) {
      ++in_use;
      text += fmt::format("Left {}: a database runs on it.\n", cluster.id);
      continue;
    }
    bytes += cluster.bytes;
    text += fmt::format("Removed {} ({}).\n", cluster.id, output::OneLine(WhatItHolds(cluster)));
    removed.push_back(ClusterJson(cluster));
  }
  if (in_use > 0 && in_use == chosen.size()) {
    throw Error(ErrorCode::kInUse, "a database runs on it", "rotv list shows what runs; rotv stop, then try again");
  }
  call.output.Result(text + fmt::format("{} are free.\n", output::HumanBytes(bytes)),
                     output::Json{{"removed", removed}, {"bytes", bytes}});
  return 0;
}

std::string MadeText(const launch::MadeWarm& made, const launch::WarmCluster& cluster) {
  if (!made.is_new) return fmt::format("There is one already: {} ({}).\n", WhatItHolds(cluster), cluster.id);
  return fmt::format(
      "Warm: {}, {} in {}{}.\n", WhatItHolds(cluster), output::HumanBytes(cluster.bytes),
      output::HumanDuration(made.seconds),
      made.from == launch::DataFrom::kCarried ? fmt::format(", carried from {}", made.carried_from.ToString()) : "");
}

int MakeAll(const program::Invocation& call, const RuntimeOption& option, const WarmFlags& flags) {
  const Hurry hurry = flags.idle ? Hurry::kNone : Hurry::kSomebodyWaits;
  std::vector<std::string> points = flags.snapshots;
  config::OpenHome(call.home);
  if (hurry == Hurry::kNone) os::BecomeIdle();
  launch::RemoveLeftFresh(call.home, call.environment, call.progress, call.interrupt);
  if (points.empty()) points.emplace_back("head");
  const launch::WarmClusters clusters(call.home);
  std::string text;
  output::Json document = output::Json::array();
  for (const std::string& point : points) {
    if (launch::IsSaved(call.home, point)) {
      throw Error(ErrorCode::kUsage, fmt::format("{} is saved data, which is warm as it is", point),
                  "rotv warm --list shows it");
    }
    const launch::MadeWarm result = MakeWarm(call, option, {.point = point, .subset = flags.subset}, hurry);
    const std::vector<launch::WarmCluster> all = clusters.All();
    const auto made = std::find_if(all.begin(), all.end(), [&](const auto& one) { return one.id == result.id; });
    if (made == all.end()) {
      throw Error(ErrorCode::kDisk, fmt::format("no warm cluster of {} was kept", point),
                  "is there room on the disk? rotv-sync clean shows what can be freed");
    }
    if (!made->source.empty()) clusters.Pin(made->id, PinOf(made->source, point + (flags.subset ? "+subset" : "")));
    BoundPins(clusters);
    text += MadeText(result, *made);
    output::Json one = ClusterJson(*made);
    one["point"] = point;
    one["made_now"] = result.is_new;
    one["carried_from"] = result.from == launch::DataFrom::kCarried && result.is_new
                              ? output::Json(result.carried_from.ToString())
                              : output::Json();
    one["seconds"] = result.seconds;
    document.push_back(one);
  }
  call.output.Result(text, output::Json{{"warm", document}});
  return 0;
}

int RunWarm(const program::Invocation& call, const RuntimeOption& option, const WarmFlags& flags) {
  if (flags.list) return ListWarm(call);
  if (!flags.remove.empty()) return RemoveWarm(call, flags.remove);
  return MakeAll(call, option, flags);
}

}  // namespace

launch::MadeWarm MakeWarm(const program::Invocation& call, const RuntimeOption& option, const WantedData& data,
                          Hurry hurry) {
  const FileDescriptor turn = TakeWarmTurn(call, hurry);
  const launch::Project own = ProjectOf(call, option);
  config::AppConfig app = AppOf(call, own);
  app.persistent = false;
  app.database_port = 0;
  app.keep_prepared = true;  // It is asked for.
  const launch::FreshPlace place(call.home, call.interrupt);
  const std::unique_ptr<launch::Runtime> runtime = ScratchRuntime(call, option, app, own, place.path());
  return launch::MakeWarmCluster({.home = call.home,
                                  .place = place.path(),
                                  .app = app,
                                  .runtime = *runtime,
                                  .progress = call.progress,
                                  .interrupt = call.interrupt,
                                  .read_source = [&] { return SourceOrNone(call, data.point, false); },
                                  .snapshot = data.point,
                                  .subset = data.subset});
}

program::Command DeclareWarm(CLI::App& app, const RuntimeOption& runtime) {
  app.description("Make a warm cluster beforehand: a start or rotv run --fresh then imports nothing");
  app.footer(
      "Without --snapshot it is one of the head. A point that was made warm stays so until another one takes its\n"
      "name, eight at most. warm = true in [app] makes one after each scheduled pull.\n\n"
      "Examples:\n"
      "  rotv warm\n"
      "  rotv warm --snapshot before-release --snapshot head\n"
      "  rotv warm --subset                 # of the rows that [subset] of rotv.toml asks for\n"
      "  rotv warm --list\n"
      "  rotv warm --remove all             # but not what rotv save has kept: that by its name");
  auto flags = std::make_shared<WarmFlags>();
  CLI::Option* snapshot =
      app.add_option("--snapshot", flags->snapshots, "A snapshot, a time or a WAL position; may be given several times")
          ->type_name("POINT")
          ->allow_extra_args(false);
  CLI::Option* subset = app.add_flag("--subset", flags->subset, "Only the rows that [subset] of the config asks for");
  CLI::Option* list =
      app.add_flag("--list", flags->list, "Show the warm clusters there are")->excludes(snapshot)->excludes(subset);
  app.add_flag("--idle", flags->idle, "Give way to everything else that runs here; it may take long")->excludes(list);
  app.add_option("--remove", flags->remove, "Remove one by its id or the name of saved data; all: all but saved data")
      ->type_name("ID")
      ->excludes(snapshot)
      ->excludes(subset)
      ->excludes(list);
  return {[flags, &runtime](const program::Invocation& call) { return RunWarm(call, runtime, *flags); }, nullptr};
}

}  // namespace rotv
