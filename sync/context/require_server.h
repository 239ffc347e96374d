// Tells whether a source has a server that can be asked.

#pragma once

#include "sync/context/source_config.h"

namespace rotv {

// Throws kUsage, with what can be done instead, if the source was imported from a file or follows a remote.
void RequireServer(const SourceConfig& source);

}  // namespace rotv
