// Lists and removes what is stored of sources, whether the config has them or not.

#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "storage/lsn.h"

namespace rotv {

struct SourceInfo {
  std::string name;
  bool configured = false;  // The config has it.
  bool stored = false;      // A baseline or an import of it is here; the next four are set then.
  bool imported = false;
  bool detached = false;  // It has no slot any more; imported ones have none either.
  Lsn head_lsn;
  int64_t head_time_us = 0;
  std::string description;  // Where it comes from.
  uint64_t snapshots = 0;   // Also those of earlier baselines.
  uint64_t bytes = 0;       // What its directory takes.
  bool on_server = false;   // A slot or publication of it may be on a server.
  std::string problem;      // Why it cannot be read; empty if it can.
};

// Lists the sources that are in `configured` or have a directory in the home, by name. Waits for nobody.
std::vector<SourceInfo> ListSources(const std::filesystem::path& home, const std::vector<std::string>& configured);

enum class OnServer { kRefuse, kAbandon };

struct RemovedSource {
  uint64_t bytes = 0;                  // What was freed.
  std::vector<std::string> abandoned;  // What may still be on servers, with its SQL.
};

// Removes everything that is stored of a source. What may be on a server must have been removed before (Detach()),
// unless it is to be abandoned. Throws kUsage if it was not, or if nothing is stored of the source, and what
// RemoveStoredSource() throws.
RemovedSource RemoveSource(const std::filesystem::path& home, const std::string& name, OnServer on_server);

}  // namespace rotv
