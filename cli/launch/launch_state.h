// Records what `rotv start` started, for later commands (PLACE/run/app.json), and holds the lock that keeps two
// commands from starting and stopping at the same time. A place is that of a project (project.h), or HOME/scratch.

#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "storage/handle.h"

namespace rotv::launch {

struct LaunchState {
  std::string runtime;  // "podman", "docker", "local".
  bool ready = false;   // The application has answered. False after a start that was killed half way.
  int port = 0;
  bool persistent = false;
  std::string directory;  // The application's.
  std::string database;
  int database_port = 0;          // On this machine's loopback; 0: it has none.
  std::string database_password;  // Of the application's role there.
  std::string health;             // The path that answers once the application works; empty: only the database runs.
  std::string source;             // Empty: an existing persistent cluster was started, or `seed_file`.
  std::string seed_file;          // A seed that was there and that rotv did not write; else empty.
  std::string saved;              // The name of the saved data it runs on, which is no state of the source's.
  std::string snapshot;           // "head", or a name.
  bool subset = false;            // It has only the rows of [subset].
  std::string subset_made_by;     // SubsetFingerprint() of that; empty: of an older program.
  std::string lsn;
  std::string kept;             // The id of the warm cluster that its import has left; empty: none.
  int64_t data_time_us = 0;     // Unix time by the source's clock.
  int64_t started_time_us = 0;  // Unix time by this machine's clock.
};

// `home` itself and the other places of projects in it, whether a project has them or not.
std::vector<std::filesystem::path> PlacesIn(const std::filesystem::path& home);

// Returns nothing if there is no record, or if it cannot be parsed: a start then starts from scratch.
std::optional<LaunchState> ReadLaunchState(const std::filesystem::path& place);
void WriteLaunchState(const std::filesystem::path& place, const LaunchState& state);  // Throws kDisk.
void RemoveLaunchState(const std::filesystem::path& place);

// The file with the variables of a container that is being started, PLACE/run/app.env.
std::filesystem::path ContainerVariables(const std::filesystem::path& place);

// Removes the files that killed starts left in all places of `home`. Every command begins with this. Leaves the file of
// a start that is still going on. Never throws.
void RemoveLeftSecrets(const std::filesystem::path& home) noexcept;

// Held while something is started or stopped; released by the kernel when the process dies.
class LaunchLock {
 public:
  // Throws kInUse if another process holds the lock; the message has its process number.
  explicit LaunchLock(const std::filesystem::path& place);

 private:
  FileDescriptor file_;
};

}  // namespace rotv::launch
