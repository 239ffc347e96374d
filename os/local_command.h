// Runs a program on this machine, for the link without a remote host.

#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "os/command.h"
#include "os/process_environment.h"
#include "storage/interrupt.h"

namespace rotv::os {

// Runs `command` under the contract of Link::Run(). argv[0] is looked for in PATH unless it holds a '/'. The program
// gets `environment` and what `command.env` adds; the default holds only what helpers need. The password reaches it as
// a pgpass file in memory, so no environment that it passes on holds it. Standard input is empty unless the call has
// one. A program that cannot be started is a result: 127 if it does not exist, else 126, with the reason in
// stderr_text. If `on_stdout` throws or `interrupt` is requested, the program is ended (SIGTERM, after a second
// SIGKILL) before the exception leaves. It also gets SIGTERM if this process dies. ProgramCall::is_whole says
// otherwise.
CommandResult RunLocalCommand(const ProgramCall& command, const std::function<void(std::string_view)>& on_stdout,
                              const Interrupt& interrupt,
                              std::map<std::string, std::string> environment = HelperEnvironment());

}  // namespace rotv::os
