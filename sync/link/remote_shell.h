// Hands scripts to the shell on the remote host, and to one in a container there. Pure.

#pragma once

#include <string>
#include <string_view>

#include "sync/context/source_config.h"

namespace rotv::link {

// Each script below prints kBegins on standard output, once, before anything of its own: what comes earlier was printed
// by the login shell, by a forced command or by the shell in the container. Before a container is entered it prints
// kReached too: without that line, the login shell has not run the script at all.
inline constexpr std::string_view kBegins = "rotv-begins\n";
inline constexpr std::string_view kReached = "rotv-reached\n";

// Wraps a script for sh into a line that every login shell hands over in the same way: those of POSIX, restricted ones,
// fish and csh. Any byte but NUL may be in the script; its `$1` is empty.
std::string LineForAnyShell(const std::string& script);

// Wraps a script that runs in the source's container, by `shell` (words for sh), into a script for the remote host.
std::string InContainer(const SourceConfig& source, const std::string& shell, const std::string& script);

// A statement that prints `line`. No command line has the line itself: a shell that prints its commands (set -v) does
// not print it.
std::string PrintLine(std::string_view line);

}  // namespace rotv::link
