#include "cli/source_command.h"

#include "cli/config.h"
#include "cli/home.h"

namespace rotv {

Command OnSource(const SyncCommand& command, Watched watched) {
  auto run = [run = command.run, watched](const Invocation& call) {
    ConfigRequest request{.config = call.options.config,
                          .source = call.options.source,
                          .home = call.home,
                          .environment = call.environment};
    SourceConfig source = ReadSource(request);
    std::vector<SourceConfig> sources = ReadSources(request);
    OpenHome(call.home);
    Context context{source, call.home, call.progress, call.interrupt, watched == Watched::kByNobody};
    return run({context, call.progress, call.output, call.options.verbosity(), call.style, sources,
                !request.source.empty(), ReadSeedCompression(request)});
  };
  return {run, command.takes_stdout};
}

}  // namespace rotv
