// Opens a source's workspace for a command, and waits for it where that is right.

#pragma once

#include <string>

#include "storage/workspace.h"
#include "sync/context/context.h"

namespace rotv {

// Opens the workspace like Workspace's constructor. If another process holds the lock that it needs, a scheduled run
// waits for it, and any run waits for a scheduled one; otherwise throws SourceInUse. May throw kInterrupted while it
// waits. Throws kUsage if the store was made by another project (another rotv.toml, which still exists), from another
// database.
Workspace OpenWorkspace(const Context& context, const std::string& command, Access access = Access::kWrite);
// The same for another source, of any project.
Workspace OpenWorkspace(const Context& context, const std::string& command, const std::string& source_name,
                        Access access = Access::kWrite);
// Takes the lock alone, in the same way: nothing is read, made or removed. The source's directory must exist.
SourceLock LockSource(const Context& context, const std::string& command);

// Warns of stores that could not be removed.
void WarnOfStoresThatStay(const Workspace& workspace, Progress& progress);

}  // namespace rotv
