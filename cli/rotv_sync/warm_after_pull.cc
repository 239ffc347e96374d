// A scheduled pull ends with a warm cluster where [app] asks for one.

#include <fmt/format.h>

#include <filesystem>
#include <string>
#include <vector>

#include "cli/program/program_lines.h"
#include "cli/rotv_sync/command.h"
#include "os/run_program.h"
#include "storage/error.h"

namespace rotv {
namespace {

// The other program of ours: beside this one, else in PATH.
std::string RotvProgram() {
  std::error_code unknown;
  const std::filesystem::path beside = std::filesystem::read_symlink("/proc/self/exe", unknown).parent_path() / "rotv";
  return !unknown && std::filesystem::exists(beside, unknown) ? beside.native() : "rotv";
}

}  // namespace

// It is a program of its own: it gives way to everything else, which a process cannot take back, and whatever goes
// wrong in it, the pull is done.
void WarmAfterPull(const program::Session& session, Warm warm) {
  std::string problem;
  try {
    if (warm != Warm::kYes && !session.call.config.App().warm) return;
    std::vector<std::string> words = {RotvProgram(), "--home", session.context.home};
    if (const std::filesystem::path config = session.call.config.FilePath(); !config.empty()) {
      words.insert(words.end(), {"--config", config});
    }
    words.insert(words.end(), {"--source", session.context.source.name, "warm", "--idle"});
    program::ProgramLines lines(session.progress, "rotv: ");
    const int status = os::RunProgramShowing(
        words, session.context.interrupt, [&](std::string_view piece) { lines.Feed(piece); }, session.call.environment);
    lines.End();
    if (status == 0) return;
    problem = lines.last().empty() ? fmt::format("rotv warm ended with {}", status) : lines.last();
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kInterrupted) throw;
    problem = error.what();
  }
  session.progress.Warn(fmt::format("the pull is done, but no warm cluster was made: {}", problem));
}

}  // namespace rotv
