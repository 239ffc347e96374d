// The table of commands. Everything else of main() is in cli/program.

#include "cli/config.h"
#include "cli/home.h"
#include "cli/program.h"
#include "cli/rotv_sync/command.h"

namespace rotv {
namespace {

// All of these work on one source, which has to be known before anything is done.
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

CommandEntry Entry(const char* name, SyncCommand (*declare)(CLI::App& app)) {
  return {name, [declare](CLI::App& app) { return OnSource(declare(app)); }};
}

const Program kProgram{
    .name = "rotv-sync",
    .description = "Follows a PostgreSQL and writes seeds of it, as pg_dump would have.",
    .footer =
        "Examples:\n"
        "  rotv-sync doctor                   # would it work, and what is missing?\n"
        "  rotv-sync pull                     # the first time it takes the baseline\n"
        "  rotv-sync materialize              # writes HOME/seed-data.sql\n"
        "  rotv-sync COMMAND --help\n\n"
        "Exit codes: 0 done, 1 a bug here, 2 command line or config, 3 refused by the source, 4 unreachable,\n"
        "5 not understood, 6 disk, 7 store damaged, 8 a new baseline is needed, 130 interrupted.",
    .commands = {Entry("doctor", DeclareDoctor), Entry("baseline", DeclareBaseline), Entry("pull", DeclarePull),
                 Entry("materialize", DeclareMaterialize), Entry("status", DeclareStatus),
                 Entry("verify", DeclareVerify), Entry("detach", DeclareDetach)},
    .declare_options = {},
};

}  // namespace
}  // namespace rotv

int main(int argc, char** argv) { return rotv::RunProgram(rotv::kProgram, argc, argv); }
