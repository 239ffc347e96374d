// Tells the entrypoint what the database has to have in common with the source's.

#pragma once

#include "cli/config/app_config.h"
#include "os/environment.h"
#include "sync/context/database_facts.h"

namespace rotv::launch {

// The variables of entrypoint/twin.sh. Settings may be secrets: the variables belong into a file or an environment, and
// not into a command line. Empty if nothing is known of the source and [app] asks for nothing.
os::Environment TwinVariables(const DatabaseFacts& facts, const config::AppConfig& app);

}  // namespace rotv::launch
