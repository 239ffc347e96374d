// The table of commands. Everything else of main() is in cli/program/program.

#include "cli/command/commands.h"
#include "cli/launch/launch_state.h"
#include "cli/program/program.h"
#include "cli/rotv/command.h"

namespace rotv {
namespace {

RuntimeOption g_runtime;  // Written by the parser, before any command runs.

program::CommandEntry Entry(const char* name,
                            program::Command (*declare)(CLI::App& app, const RuntimeOption& runtime)) {
  return {name, [declare](CLI::App& app) { return declare(app, g_runtime); }};
}

const program::Program kProgram{
    .name = "rotv",
    .description = "Runs an application on a fresh copy of its production data.",
    .footer =
        "Examples:\n"
        "  rotv build                         # once, where containers are used\n"
        "  rotv start                         # takes the baseline the first time\n"
        "  rotv restart --pull                # today's data; local changes are gone\n"
        "  rotv psql -c 'SELECT count(*) FROM users'\n"
        "  rotv reset                         # local changes are gone, the application goes on\n"
        "  rotv run --fresh -- npm test       # on a database of its own, gone afterwards\n"
        "  rotv stop\n"
        "  rotv list                          # what runs here\n\n"
        "Exit codes: as rotv-sync --help has them; 12 also where the database or the application does not\n"
        "start, 9 where validate-schema finds differences.",
    .commit = program::kCommit,
    .commands = {Entry("start", DeclareStart),
                 Entry("stop", DeclareStop),
                 Entry("restart", DeclareRestart),
                 Entry("status", DeclareStatus),
                 Entry("list", DeclareList),
                 Entry("logs", DeclareLogs),
                 Entry("shell", DeclareShell),
                 Entry("psql", DeclarePsql),
                 Entry("env", DeclareEnv),
                 Entry("url", DeclareUrl),
                 Entry("run", DeclareRun),
                 Entry("exec", DeclareExec),
                 Entry("reset", DeclareReset),
                 Entry("save", DeclareSave),
                 Entry("warm", DeclareWarm),
                 Entry("build", DeclareBuild),
                 Entry("seed", DeclareSeed),
                 {"snapshot", command::DeclareSnapshot},
                 Entry("validate-env", DeclareValidateEnv),
                 Entry("validate-schema", DeclareValidateSchema)},
    .declare_options =
        [](CLI::App& app) {
          app.add_option("--runtime", g_runtime.name, "podman, docker or local (default: the first that is installed)")
              ->type_name("NAME")
              ->check(CLI::IsMember({"podman", "docker", "local"}));
          app.add_option("--name", g_runtime.project, "Which application (default: the one of this directory)")
              ->type_name("NAME");
        },
    .remove_leftovers = launch::RemoveLeftSecrets,
};

}  // namespace
}  // namespace rotv

int main(int argc, char** argv) { return rotv::program::RunProgram(rotv::kProgram, argc, argv); }
