#include "cli/source_command.h"

#include "cli/config.h"
#include "cli/home.h"

namespace rotv {

Command OnSource(const SyncCommand& command) {
  auto run = [run = command.run](const Invocation& call) {
    SourceConfig source = ReadSource({.config = call.options.config,
                                      .source = call.options.source,
                                      .home = call.home,
                                      .environment = call.environment});
    OpenHome(call.home);
    Context context{source, call.home, call.progress, call.interrupt};
    return run({context, call.progress, call.output, call.options.verbosity(), call.style});
  };
  return {run, command.takes_stdout};
}

}  // namespace rotv
