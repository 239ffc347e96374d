// The command lines that the far end's shell is given. Pure.

#pragma once

#include <string>

#include "os/command.h"
#include "sync/context/source_config.h"

namespace rotv::link {

// Runs `command` there, inside the container where the source names one. The line begins with words that every login
// shell understands the same way (fish and csh too); the rest is a script for sh. Where there is a password the first
// line of standard input must be it. The end of standard input ends the command; until then it must be kept open.
std::string CommandLine(const os::ProgramCall& command, const SourceConfig& source);

// Joins standard input and output to the PostgreSQL in the source's container, with what is found in there: for a host
// and port bash; for a socket directory socat, perl or python3, else bash by TCP to 127.0.0.1; where none is named the
// same for the usual directories, and TCP too if there is no socket. Ends when either side does, and leaves no process
// behind. Throws kUsage if the host could not be in a path of /dev/tcp.
std::string RelayCommandLine(const SourceConfig& source);

}  // namespace rotv::link
