// The processes of this machine, as /proc shows them.

#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace rotv::os {

// Those that we may look at and that have `variable` ("NAME=VALUE") in the environment with which they were started.
std::vector<pid_t> ProcessesWithVariable(const std::string& variable);

// The words of its command line; empty if it is gone.
std::vector<std::string> CommandLineOf(pid_t process);

// Whose it is; nothing if it is gone.
std::optional<uid_t> UserOf(pid_t process);

// Whether it is there and has not ended, also where nobody has waited for its end yet.
bool IsAlive(pid_t process);

// Whether it leads its session, as what was started apart from everything does.
bool LeadsItsSession(pid_t process);

// "node (process 4711)" for who listens on this TCP port of 127.0.0.1 or of every address; "another user's process"
// where we may not see whose it is; empty if nobody does.
std::string WhoListensOn(int port);

}  // namespace rotv::os
