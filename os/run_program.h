// Runs other programs of this machine: with their output taken, or in this program's place.

#pragma once

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
  int exit_status = 0;  // As a shell's: 127 not found, 128+n killed by signal n.
  std::string out;      // All of it.
  std::string err;      // The last 64 KiB.
};

// Waits for its end. Standard input is empty, and of our environment it is given what helpers need. Throws
// kInterrupted, and the program is then ended.
ProgramResult RunProgramQuietly(const std::vector<std::string>& words, const Interrupt& interrupt,
                                const Environment& added = {});

// The same with stdout and stderr together, given to `on_output` while they come; gives the exit status. An exception
// from `on_output` ends the program. `environment` is all that it is given.
int RunProgramShowing(const std::vector<std::string>& words, const Interrupt& interrupt,
                      const std::function<void(std::string_view)>& on_output,
                      const Environment& environment = HelperEnvironment());

// Replaces this process, with its terminal and signals. Returns only by an exception: kUsage if it is not there.
[[noreturn]] void BecomeProgram(const std::vector<std::string>& words, const Environment& added = {});

// The directories of PATH, in its order.
std::vector<std::filesystem::path> PathDirectories(const Environment& environment);

// Whether `program` is in PATH.
bool ProgramIsHere(const std::string& program, const Environment& environment);

// The last line of `text` that is not empty.
std::string LastLine(std::string_view text);

}  // namespace rotv::os
