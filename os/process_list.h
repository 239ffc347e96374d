// Lists the processes of this machine, from /proc.

#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace rotv::os {

// The processes that were started with `variable` ("NAME=VALUE") in their environment, among those that we may inspect.
std::vector<pid_t> ProcessesWithVariable(const std::string& variable);

// The arguments of its command line; empty if it has ended.
std::vector<std::string> CommandLineOf(pid_t process);

// The user who owns it; nullopt if it has ended.
std::optional<uid_t> UserOf(pid_t process);

// True if it exists and has not ended; a zombie (not waited for yet) has ended.
bool IsAlive(pid_t process);

// True if a process of one of these programs runs, whoever owns it; names are those of the files, cut after 15 bytes.
// nullopt if the processes of other users are hidden here, and none of ours is one.
std::optional<bool> AnyRuns(const std::vector<std::string>& programs);

// The time of its start, in clock ticks since the machine's start; nullopt if there is no such process. A process that
// was not waited for yet has one.
std::optional<uint64_t> StartTimeOf(pid_t process);

// Names the process that listens on this TCP port of 127.0.0.1 or of every address: "node (process 4711)"; "another
// user's process" if we may not inspect it; empty if there is none.
std::string WhoListensOn(int port);

}  // namespace rotv::os
