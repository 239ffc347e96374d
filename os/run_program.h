// Runs other programs of this machine: with their output captured, or in place of this process.

#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "os/environment.h"
#include "os/process_environment.h"
#include "storage/interrupt.h"

namespace rotv::os {

struct ProgramResult {
  int exit_status = 0;  // Like a shell's: 127 not found, 128+n killed by signal n.
  std::string out;      // All of it.
  std::string err;      // The last 64 KiB.
};

// Runs a program and waits for its end. Standard input is empty; the environment is HelperEnvironment() and `added`. On
// an interrupt the program is ended and kInterrupted thrown.
ProgramResult RunProgramQuietly(const std::vector<std::string>& words, const Interrupt& interrupt,
                                const Environment& added = {});

// The same for a program that must not be ended in the middle (ProgramCall::is_whole).
ProgramResult RunProgramWhole(const std::vector<std::string>& words, const Interrupt& interrupt);

// The same, but passes stdout and stderr, merged, to `on_output` as they come, and returns the exit status. An
// exception from `on_output` ends the program. The program's environment is exactly `environment`.
int RunProgramShowing(const std::vector<std::string>& words, const Interrupt& interrupt,
                      const std::function<void(std::string_view)>& on_output,
                      const Environment& environment = HelperEnvironment());

struct LimitedProgram {
  std::vector<std::string> words;
  Environment environment;          // Exactly what it gets.
  std::string_view standard_input;  // What it reads.
  std::chrono::milliseconds time_limit;
};
struct LimitedEnd {
  int exit_status = 0;     // Like a shell's.
  bool timed_out = false;  // It was ended since its time was over.
};

// The same for a program that may hang: once its time is over, it is ended with all that it has started, but for what
// went into a process group of its own. So it is on an interrupt, and then kInterrupted is thrown. Its end is waited
// for, and that of whatever else writes to its outputs.
LimitedEnd RunProgramLimited(const LimitedProgram& program, const Interrupt& interrupt,
                             const std::function<void(std::string_view)>& on_output);

// Replaces this process by the program, which keeps its terminal and gets default signal handlers. Never returns;
// throws kCannotStart if the program cannot be run.
[[noreturn]] void BecomeProgram(const std::vector<std::string>& words, const Environment& added = {});

// The directories in the PATH of `environment`, in its order.
std::vector<std::filesystem::path> PathDirectories(const Environment& environment);

// True if `program` is in the PATH of `environment`.
bool ProgramIsHere(const std::string& program, const Environment& environment);

// The last line of `text` that is not empty.
std::string LastLine(std::string_view text);

}  // namespace rotv::os
