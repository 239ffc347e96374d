#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/config/home.h"
#include "cli/launch/seed_file.h"
#include "cli/launch/warm_clusters.h"
#include "cli/output/format.h"
#include "cli/rotv_sync/command.h"
#include "cli/schedule/job.h"
#include "storage/error.h"
#include "sync/sources.h"

namespace rotv {
namespace {

struct SourceFlags {
  std::string name;
  bool force = false;
  std::function<int(const SourceFlags& flags, const program::Invocation& call)> run;  // The chosen subcommand.
};

std::string StateText(const SourceInfo& info) {
  if (!info.problem.empty()) return "cannot be read: " + output::OneLine(info.problem);
  if (!info.stored) return info.on_server ? "no baseline, but perhaps a slot on its server" : "no baseline yet";
  std::string text = fmt::format("{} ({})", info.head_lsn.ToString(), output::HumanTime(info.head_time_us));
  if (info.snapshots > 0) text += ", " + output::Counted(info.snapshots, "snapshot", "snapshots");
  if (info.imported) return text + ", imported";
  if (info.detached) text += ", detached";
  return info.configured ? text : text + ", not in rotv.toml";
}

// The config may be missing: then all sources are those that are stored.
int RunList(const SourceFlags& /*flags*/, const program::Invocation& call) {
  config::OpenHome(call.home, config::HomeUse::kRead);
  const std::vector<SourceInfo> sources = ListSources(call.home, call.config.ConfiguredSources());
  output::Json document = output::Json::array();
  std::string text;
  size_t width = 0;
  for (const SourceInfo& info : sources) width = std::max(width, info.name.size());
  for (const SourceInfo& info : sources) {
    text += fmt::format("{}  {:>8}  {}\n", output::PadRight(info.name, width), output::HumanBytes(info.bytes),
                        StateText(info));
    document.push_back(output::Json{{"source", info.name},
                                    {"configured", info.configured},
                                    {"stored", info.stored},
                                    {"imported", info.imported},
                                    {"detached", info.detached},
                                    {"description", info.description},
                                    {"head", output::Json()},
                                    {"snapshots", info.snapshots},
                                    {"bytes", info.bytes},
                                    {"on_server", info.on_server},
                                    {"problem", info.problem}});
    if (!info.stored || !info.problem.empty()) continue;
    document.back()["head"] =
        output::Json{{"lsn", info.head_lsn.ToString()}, {"time", output::IsoTime(info.head_time_us)}};
  }
  if (text.empty()) text = "There is no source, neither in a config nor stored.\n";
  call.output.Result(text, output::Json{{"sources", document}});
  return 0;
}

int RunRemove(const SourceFlags& flags, const program::Invocation& call) {
  config::OpenHome(call.home);
  if (schedule::ReadJob(call.home, flags.name)) {
    throw Error(ErrorCode::kUsage, fmt::format("source {} is pulled by a schedule", flags.name),
                fmt::format("remove that first: rotv-sync --source {} schedule remove", flags.name));
  }
  const RemovedSource removed =
      RemoveSource(call.home, flags.name, flags.force ? OnServer::kAbandon : OnServer::kRefuse);
  launch::RemoveSeedsOfSource(call.home, flags.name);
  launch::WarmClusters(call.home).RemoveOf(flags.name);
  for (const std::string& sql : removed.abandoned) {
    call.progress.Warn(fmt::format("a slot and a publication may be left on the server of {}; there: {}", flags.name,
                                   output::OneLine(sql)));
  }
  call.output.Result(fmt::format("Removed source {}: {} are free.\n", flags.name, output::HumanBytes(removed.bytes)),
                     output::Json{{"removed", flags.name}, {"bytes", removed.bytes}, {"abandoned", removed.abandoned}});
  return 0;
}

CLI::App* Add(CLI::App& app, const std::shared_ptr<SourceFlags>& flags, const char* name, const char* description,
              int (*run)(const SourceFlags&, const program::Invocation&)) {
  CLI::App* command = app.add_subcommand(name, description);
  command->fallthrough();
  command->callback([flags, run] { flags->run = run; });
  return command;
}

}  // namespace

program::Command DeclareSource(CLI::App& app) {
  app.description("List the sources that are stored here, and remove one");
  app.require_subcommand(1);
  auto flags = std::make_shared<SourceFlags>();
  Add(app, flags, "list", "List the sources, imported ones too", RunList)->footer("Examples:\n  rotv-sync source list");
  CLI::App* remove = Add(app, flags, "remove", "Remove everything that is stored of a source", RunRemove);
  remove->add_option("name", flags->name, "The source")->required()->type_name("SOURCE");
  remove->add_flag("--force", flags->force, "Also if a slot or a publication of it may still be on a server");
  remove->footer(
      "Examples:\n"
      "  rotv-sync --source old detach && rotv-sync source remove old\n"
      "  rotv-sync source remove production-monday              # an imported one");
  return {[flags](const program::Invocation& call) { return flags->run(*flags, call); }, nullptr};
}

}  // namespace rotv
