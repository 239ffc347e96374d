// The table of commands. Everything else of main() is in cli/program/program.

#include "cli/command/commands.h"
#include "cli/launch/launch_state.h"
#include "cli/rotv_sync/command.h"

namespace rotv {
namespace {

program::CommandEntry Entry(const char* name, program::SyncCommand (*declare)(CLI::App& app)) {
  return {name, [declare](CLI::App& app) { return program::OnSource(declare(app)); }};
}

const program::Program kProgram{
    .name = "rotv-sync",
    .description = "Follows a PostgreSQL database and writes seeds of it that equal a pg_dump.",
    .footer =
        "Examples:\n"
        "  rotv-sync init                     # asks where the data comes from, and writes rotv.toml\n"
        "  rotv-sync doctor                   # checks whether a baseline would work\n"
        "  rotv-sync pull                     # takes the baseline the first time\n"
        "  rotv-sync materialize              # writes HOME/seed-data.sql\n"
        "  rotv-sync COMMAND --help\n\n"
        "Exit codes: 0 done, 1 a bug here, 2 command line or config, 3 refused by the source, 4 unreachable,\n"
        "5 not understood, 6 disk, 7 store damaged (also what verify and mask check find), 8 a new baseline\n"
        "is needed, 10 in use by another run, 12 a program or service of this machine does not start,\n"
        "130 interrupted.",
    .commit = program::kCommit,
    .commands = {{"init", DeclareInit},
                 Entry("doctor", DeclareDoctor),
                 Entry("baseline", DeclareBaseline),
                 Entry("pull", DeclarePull),
                 Entry("materialize", DeclareMaterialize),
                 Entry("publish", DeclarePublish),
                 {"snapshot", command::DeclareSnapshot},
                 Entry("log", DeclareLog),
                 Entry("gc", DeclareGc),
                 {"compact", DeclareCompact},
                 Entry("status", DeclareStatus),
                 Entry("verify", DeclareVerify),
                 {"check", DeclareCheck},
                 Entry("detach", DeclareDetach),
                 {"source", DeclareSource},
                 {"clean", DeclareClean},
                 {"schedule", DeclareSchedule},
                 {"mask", DeclareMask},
                 {"key", DeclareKey}},
    .declare_options = {},
    .remove_leftovers = launch::RemoveLeftSecrets,
};

}  // namespace
}  // namespace rotv

int main(int argc, char** argv) { return rotv::program::RunProgram(rotv::kProgram, argc, argv); }
