#include "os/run_program.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <sstream>

#include "os/c_strings.h"
#include "os/file_in_memory.h"
#include "os/local_command.h"
#include "storage/error.h"

namespace rotv::os {

namespace {

ProgramResult Run(const ProgramCall& program, const Interrupt& interrupt) {
  ProgramResult result;
  CommandResult ended = RunLocalCommand(
      program, [&](std::string_view text) { result.out += text; }, interrupt);
  result.exit_status = ended.exit_status;
  result.err = std::move(ended.stderr_text);
  return result;
}

// A shell merges the two outputs, which keeps their lines in order.
std::vector<std::string> WithMergedOutputs(const std::vector<std::string>& words) {
  std::vector<std::string> merged = {"sh", "-c", "exec \"$@\" 2>&1", "sh"};
  merged.insert(merged.end(), words.begin(), words.end());
  return merged;
}

}  // namespace

ProgramResult RunProgramQuietly(const std::vector<std::string>& words, const Interrupt& interrupt,
                                const Environment& added) {
  return Run({.argv = words, .env = added, .password = {}}, interrupt);
}

ProgramResult RunProgramWhole(const std::vector<std::string>& words, const Interrupt& interrupt) {
  return Run({.argv = words, .env = {}, .password = {}, .is_whole = true}, interrupt);
}

int RunProgramShowing(const std::vector<std::string>& words, const Interrupt& interrupt,
                      const std::function<void(std::string_view)>& on_output, const Environment& environment) {
  return RunLocalCommand({.argv = WithMergedOutputs(words), .env = {}, .password = {}}, on_output, interrupt,
                         environment)
      .exit_status;
}

LimitedEnd RunProgramLimited(const LimitedProgram& program, const Interrupt& interrupt,
                             const std::function<void(std::string_view)>& on_output) {
  // No pipe: whoever does not read it would keep us from going on.
  const FileDescriptor input = FileInMemory("rotv-input", program.standard_input);
  const CommandResult ended = RunLocalCommand({.argv = WithMergedOutputs(program.words),
                                               .env = {},
                                               .password = {},
                                               .standard_input = input.get(),
                                               .is_group = true,
                                               .time_limit = program.time_limit},
                                              on_output, interrupt, program.environment);
  return {ended.exit_status, ended.timed_out};
}

void BecomeProgram(const std::vector<std::string>& words, const Environment& added) {
  for (const auto& [name, value] : added) setenv(name.c_str(), value.c_str(), 1);
  std::vector<std::string> copies = words;
  const std::vector<char*> argv = Pointers(copies);
  for (int number : {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGXFSZ}) std::signal(number, SIG_DFL);
  execvp(argv[0], argv.data());
  throw Error(ErrorCode::kCannotStart, fmt::format("{} cannot be run: {}", words.front(), std::strerror(errno)),
              fmt::format("install {}", words.front()));
}

std::vector<std::filesystem::path> PathDirectories(const Environment& environment) {
  std::vector<std::filesystem::path> directories;
  std::istringstream path(Variable(environment, "PATH"));
  for (std::string directory; std::getline(path, directory, ':');) {
    if (!directory.empty()) directories.emplace_back(directory);
  }
  return directories;
}

bool ProgramIsHere(const std::string& program, const Environment& environment) {
  const std::vector<std::filesystem::path> directories = PathDirectories(environment);
  return std::any_of(directories.begin(), directories.end(), [&](const std::filesystem::path& directory) {
    return access((directory / program).c_str(), X_OK) == 0;
  });
}

std::string LastLine(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ' || text.back() == '\r')) text.remove_suffix(1);
  size_t start = text.rfind('\n');
  return std::string(start == std::string_view::npos ? text : text.substr(start + 1));
}

}  // namespace rotv::os
