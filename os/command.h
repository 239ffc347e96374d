// A call of another program, on this machine or on a remote host, and its result.

#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace rotv::os {

struct ProgramCall {
  std::vector<std::string> argv;           // Unquoted; an SSH link quotes it for the remote shell.
  std::map<std::string, std::string> env;  // Never a password: the host's process list shows it.
  std::string password;                    // PGPASSWORD, handed over without arguments or `env`; empty: none.

  // Called at least every Interrupt::kPollMs while no output comes; an exception from it ends the command. May be
  // empty.
  std::function<void()> while_quiet = {};

  // On this machine: it is not to be ended in the middle. Neither the terminal's signals nor the death of this process
  // reach it, and after an interrupt it has ten seconds to come to its end.
  bool is_whole = false;

  // What it reads, on this machine alone; -1: nothing. It stays the caller's.
  int standard_input = -1;

  // On this machine: it and what it starts are a process group of their own. The terminal's signals do not reach that,
  // and whatever ends the program early ends the whole group.
  bool is_group = false;

  // On this machine: how long it may take, and what writes to its outputs besides; then it is ended. 0: as long as it
  // likes.
  std::chrono::milliseconds time_limit{0};
};

struct CommandResult {
  int exit_status = 0;      // Like a shell's: 127 not found, 128+n killed by signal n.
  std::string stderr_text;  // The last 64 KiB.
  bool timed_out = false;   // Ended by `time_limit`; the exit status is then 124, as timeout(1) has it.
};

}  // namespace rotv::os
