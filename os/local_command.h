// Runs a program on this machine, for the link that has no far end.

#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "os/command.h"
#include "os/process_environment.h"
#include "storage/interrupt.h"

namespace rotv::os {

// Runs `command` as Link::Run() says. argv[0] is looked for in PATH unless it holds a '/'. The program
// is given `environment` and what `command.env` adds, and by default nothing of ours that it does not need. The
// password reaches it as a pgpass file in memory, and so stands in no environment that it hands on. Standard input is
// empty. A program that cannot be started is a result: 127 when it is not there, 126 else, with the reason in
// stderr_text. When `on_stdout` throws or `interrupt` is requested the program is ended (SIGTERM, after a second
// SIGKILL) before the exception leaves; it gets SIGTERM also if this process ends without one.
CommandResult RunLocalCommand(const ProgramCall& command, const std::function<void(std::string_view)>& on_stdout,
                              const Interrupt& interrupt,
                              std::map<std::string, std::string> environment = HelperEnvironment());

}  // namespace rotv::os
