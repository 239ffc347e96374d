// Context is what every verb gets: the source, the home directory, progress and the interrupt.

#pragma once

#include <filesystem>

#include "storage/interrupt.h"
#include "sync/context/progress.h"
#include "sync/context/source_config.h"

namespace rotv {

struct Context {
  const SourceConfig& source;
  std::filesystem::path home;  // All local state; created (0700) on first use.
  Progress& progress;
  const Interrupt& interrupt;
  bool scheduled = false;  // No person watches the run. OpenWorkspace() says which runs wait for which.
  bool retry = true;       // A link that breaks is made again (LinkRetry).
};

}  // namespace rotv
