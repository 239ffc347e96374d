// A source's workspace for a command, when its turn has come.

#pragma once

#include <string>

#include "storage/workspace.h"
#include "sync/context/context.h"

namespace rotv {

// As Workspace's constructor. Where another process works on the source, a scheduled run waits for its end, and
// everybody waits for the end of a scheduled run; otherwise throws SourceInUse. Throws kInterrupted while it waits.
Workspace OpenWorkspace(const Context& context, const std::string& command);
// The same of another source.
Workspace OpenWorkspace(const Context& context, const std::string& command, const std::string& source_name);

}  // namespace rotv
