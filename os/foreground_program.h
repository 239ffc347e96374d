// Runs a program in the foreground, in place of this one for a time: it has the terminal, and gets our signals.

#pragma once

#include <string>
#include <vector>

#include "os/environment.h"

namespace rotv::os {

// Runs a program and waits for its end; returns its exit status, like a shell's (127 not found, 128+n killed by signal
// n). It has our standard streams, our process group and exactly `environment`. Signals that another process sends us
// (HUP, INT, QUIT, TERM, USR1, USR2) are passed on, and do nothing else to us; those of the terminal reach the program
// by themselves. It gets SIGTERM if we are killed. One thread at a time may call this. Throws kCannotStart if it cannot
// be started.
int RunInForeground(const std::vector<std::string>& words, const Environment& environment);

}  // namespace rotv::os
