// Runs the two programs of this project: the set-up of the process, and how an error becomes two lines and an exit
// code.

#pragma once

#include <exception>

#include "cli/program/command.h"
#include "storage/error.h"

namespace rotv::program {

// What RunProgram() reports of an exception: an Error as it is, others as the Error that they stand for.
Error ErrorOf(const std::exception_ptr& exception, const char* program);

// The whole of main(): returns the exit code, and throws nothing.
int RunProgram(const Program& program, int argc, char** argv);

}  // namespace rotv::program
