#include "cli/program/compact_afterwards.h"

#include <filesystem>
#include <string>
#include <vector>

#include "os/background_program.h"
#include "os/process_environment.h"
#include "os/run_program.h"

namespace rotv::program {
namespace {

// Beside this program, which may be `rotv`, else in PATH.
std::string SyncProgram() {
  std::error_code unknown;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", unknown);
  const std::filesystem::path beside = self.parent_path() / "rotv-sync";
  return !unknown && std::filesystem::exists(beside, unknown) ? beside.native() : "rotv-sync";
}

}  // namespace

void CompactAfterwards(const Context& context, bool owed) {
  if (!owed) return;
  const std::vector<std::string> words = {
      SyncProgram(), "--home", context.home.native(), "--source", context.source.name, "compact", "--idle"};
  try {
    if (context.scheduled) {
      (void)os::RunProgramQuietly(words, context.interrupt);
      return;
    }
    pid_t process = 0;
    (void)os::StartInBackground(
        {.argv = words, .environment = os::HelperEnvironment(), .closes_descriptors = true, .log = "/dev/null"},
        &process);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kInterrupted) throw;
  }
}

}  // namespace rotv::program
