// Runs a program on this machine, for the link that has no far end.

#pragma once

#include <functional>
#include <string_view>

#include "storage/interrupt.h"
#include "sync/link.h"

namespace rotv {

// Runs `command` as Link::Run() says. argv[0] is looked for in PATH unless it holds a '/'. The password reaches the
// program in its environment, which only its own user can see. Standard input is empty. A program that cannot be
// started is a result: 127 when it is not there, 126 else, with the reason in stderr_text. When `on_stdout` throws or
// `interrupt` is requested the program is ended (SIGTERM, after a second SIGKILL) before the exception leaves; it gets
// SIGTERM also if this process ends without one.
CommandResult RunLocalCommand(const RemoteCommand& command, const std::function<void(std::string_view)>& on_stdout,
                              const Interrupt& interrupt);

}  // namespace rotv
