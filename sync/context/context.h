// What every command of the engine is given.

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
  bool scheduled = false;  // Nobody watches: it waits for whoever works on the source, and everybody waits for it.
};

}  // namespace rotv
