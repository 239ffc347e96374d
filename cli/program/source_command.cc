#include "cli/program/source_command.h"

#include <algorithm>
#include <optional>

#include "cli/config/config.h"
#include "cli/config/home.h"
#include "sync/detach.h"

namespace rotv::program {

namespace {

SourceConfig SourceFor(const config::Config& config, const SyncCommand& command,
                       const std::vector<SourceConfig>& sources) {
  const config::ConfigRequest& request = config.request();
  const auto is_default = [](const SourceConfig& source) { return source.is_default; };
  const bool takes_all = command.all_sources && command.all_sources();
  if (takes_all && request.source.empty() && std::none_of(sources.begin(), sources.end(), is_default)) {
    return sources.front();
  }
  const std::vector<std::string> names = NamesOf(sources);
  if (command.also_former && !request.source.empty() && std::count(names.begin(), names.end(), request.source) == 0) {
    if (std::optional<SourceConfig> former = FormerSource(request.home, request.source)) return *std::move(former);
  }
  return config.Source();
}

}  // namespace

std::vector<std::string> NamesOf(const std::vector<SourceConfig>& sources) {
  std::vector<std::string> names;
  for (const SourceConfig& source : sources) names.push_back(source.name);
  return names;
}

Command OnSource(const SyncCommand& command, Watched watched) {
  auto run = [command, watched](const Invocation& call) {
    std::vector<SourceConfig> sources = call.config.Sources();
    SourceConfig source = SourceFor(call.config, command, sources);
    const bool only_reads = command.only_reads && command.only_reads();
    config::OpenHome(call.home, only_reads ? config::HomeUse::kRead : config::HomeUse::kWrite);
    Context context{source, call.home, call.progress, call.interrupt, watched == Watched::kByNobody};
    return command.run({context, call.progress, call.output, call.options.verbosity(), call.style, sources,
                        !call.options.source.empty(), call.config.SeedCompression(), call});
  };
  return {run, command.takes_stdout};
}

}  // namespace rotv::program
