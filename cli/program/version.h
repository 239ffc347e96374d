// What --version says: the program's version, the commit and the build that it is of, and the libraries that it runs
// with.

#pragma once

#include <string>

#include "cli/output/output.h"

namespace rotv::program {

// Where a program was built from. The program's own (cmake/Commit.cmake): it changes with every commit, and what does
// not need it is not built again.
struct Commit {
  const char* id;    // Short, with "-dirty" if files differed from it; empty if that was not known.
  const char* date;  // 2026-11-30; empty with it.
};
extern const Commit kCommit;

// "0.1.0"
const char* ProgramVersion();

// The first line has the name and the version alone.
std::string VersionText(const std::string& program, const Commit& commit);
output::Json VersionJson(const std::string& program, const Commit& commit);

}  // namespace rotv::program
