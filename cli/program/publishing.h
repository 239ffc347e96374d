// Publishes to the remotes of the config, for every command that does.

#pragma once

#include <string>
#include <vector>

#include "cli/program/source_command.h"
#include "sync/publish.h"

namespace rotv::program {

// The remotes of the config that are for the session's source, or for that of this name.
std::vector<RemoteConfig> RemotesOf(const Session& session);
std::vector<RemoteConfig> RemotesOf(const Session& session, const std::string& source);

// Those to which a snapshot of this name would be published at once: with publish = true. Throws kUsage, saying what
// to do, if there are none, or if one of them keeps such names back.
std::vector<RemoteConfig> RemotesForSnapshot(const Session& session, const std::string& name);

}  // namespace rotv::program
