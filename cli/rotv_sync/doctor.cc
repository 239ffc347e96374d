#include <nlohmann/json.hpp>

#include "cli/report/doctor_report.h"
#include "cli/rotv_sync/command.h"

namespace rotv {
namespace {

int RunDoctor(const program::Session& session) {
  DoctorReport report = Examine(session.context, program::NamesOf(session.sources));
  report::Detail detail =
      session.verbosity == output::Verbosity::kVerbose ? report::Detail::kEverything : report::Detail::kProblemsFirst;
  session.output.Result(report::DoctorText(report, detail, session.style), report::DoctorJson(report));
  const capture::Check* problem = report.FirstProblem();
  return problem == nullptr ? 0 : static_cast<int>(problem->code);
}

}  // namespace

program::SyncCommand DeclareDoctor(CLI::App& app) {
  app.description("Check the source and this machine; change nothing");
  app.footer(
      "Prints for each table how it will be followed and why, and for each problem the exact\n"
      "statement or command that fixes it. Exits with 0 only if a baseline would work.\n\n"
      "Examples:\n"
      "  rotv-sync doctor\n"
      "  rotv-sync -v doctor                # every table, however many there are\n"
      "  rotv-sync --json doctor | jq '.checks[] | select(.outcome != \"ok\")'");
  return {RunDoctor, nullptr};
}

}  // namespace rotv
