// Builds the command lines for the shell on the remote host. Pure.

#pragma once

#include <string>

#include "os/command.h"
#include "sync/context/source_config.h"

namespace rotv::link {

// Runs `command` there, inside the source's container if it names one. The line begins with words that every login
// shell understands in the same way (fish and csh too); the rest is a script for sh. If there is a password, it must be
// the first line of standard input. The end of standard input ends the command, so it must stay open until then.
std::string CommandLine(const os::ProgramCall& command, const SourceConfig& source);

// Connects standard input and output with the PostgreSQL in the source's container, by a program that is found there:
// for a host, bash; for a socket directory, socat, perl or python3, else bash by TCP to 127.0.0.1; for no host, the
// same with the usual directories, and TCP too if they have no socket. Ends when either side ends, and leaves no
// process running. Throws kUsage if the host could not be part of a path of /dev/tcp.
std::string RelayCommandLine(const SourceConfig& source);

}  // namespace rotv::link
