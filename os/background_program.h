// Starts a program that goes on when this one ends. (local_command.h runs those that must not.)

#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

#include "os/environment.h"

namespace rotv::os {

struct BackgroundProgram {
  std::vector<std::string> argv;  // argv[0] is looked up in PATH.
  Environment environment;        // All that the program gets.
  // What this process was given beside its outputs (a script's lock) stays with it; else the program has it, too.
  bool closes_descriptors = false;
  std::filesystem::path log;  // Takes both outputs. Emptied first, or created (0600); never through a link.
};

// Starts it in a session of its own, with default signal handlers and an empty standard input. It is a child of this
// process until this one ends. Returns 0 and sets `process`, or returns the errno that says why it could not start.
int StartInBackground(const BackgroundProgram& program, pid_t* process);

}  // namespace rotv::os
