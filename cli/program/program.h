// Runs the two programs of this project: the set-up of the process, and how an error becomes two lines and an exit
// code.

#pragma once

#include "cli/program/command.h"

namespace rotv::program {

// The whole of main(): returns the exit code, and throws nothing.
int RunProgram(const Program& program, int argc, char** argv);

}  // namespace rotv::program
