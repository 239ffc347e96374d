// A command for another program, here or on a remote host, and how it ended.

#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace rotv::os {

struct ProgramCall {
  std::vector<std::string> argv;           // Quoted for the remote shell by a link.
  std::map<std::string, std::string> env;  // Never a password: the process list of the host shows it.
  std::string password;                    // Handed over on standard input as PGPASSWORD; empty: none.

  // Called at least every Interrupt::kPollMs while no output comes; what it throws ends the command. May be empty.
  std::function<void()> while_quiet = {};
};

struct CommandResult {
  int exit_status = 0;      // As a shell's: 127 not found, 128+n killed by signal n.
  std::string stderr_text;  // The last 64 KiB.
};

}  // namespace rotv::os
