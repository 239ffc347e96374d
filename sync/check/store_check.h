// Checks one store: its files, and what they hold.

#pragma once

#include <filesystem>

#include "storage/interrupt.h"
#include "sync/check/finding.h"
#include "sync/context/progress.h"

namespace rotv::check {

struct StoreCheckRequest {
  std::filesystem::path path;
  int read_percent = 0;  // The share of the files of tables that is read completely, chosen by chance.
};

// Changes nothing. Throws kInUse if another process has the store open for writing, kDisk if a file cannot be read.
StoreReport CheckStore(const StoreCheckRequest& request, Progress& progress, const Interrupt& interrupt);

}  // namespace rotv::check
