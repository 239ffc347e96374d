// Builds the command line of a program that runs beside the server. Pure.

#pragma once

#include <string>

#include "os/command.h"
#include "sync/context/source_config.h"

namespace rotv::link {

// Runs `command` there, inside the source's container if it names one; there PGHOST says where FindServerScript() finds
// the server. If there is a password, it must be the first line of standard input. The end of standard input ends the
// command, so it must stay open until then.
std::string CommandLine(const os::ProgramCall& command, const SourceConfig& source);

}  // namespace rotv::link
