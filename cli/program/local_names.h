// The names of this machine that completions offer: sources, snapshots, tables, remotes. Reads only what is here.

#pragma once

#include <string>
#include <vector>

#include "cli/program/completion.h"
#include "os/environment.h"

namespace rotv::program {

// A FindNames: those of `kind`, for the home, config and source of the line, else of the environment. None if anything
// is wrong: what is typed is not finished yet, and says so itself when it is run.
std::vector<std::string> LocalNames(const std::string& kind, const GivenOptions& given,
                                    const os::Environment& environment) noexcept;

}  // namespace rotv::program
