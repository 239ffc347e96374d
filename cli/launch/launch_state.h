// What `rotv start` started, for the commands that come after it: HOME/run/app.json, and the lock that keeps two of
// them from starting and stopping at once.

#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "storage/handle.h"

namespace rotv::launch {

struct LaunchState {
  std::string runtime;  // "podman", "docker", "local".
  bool ready = false;   // The application has answered. Without it a start was killed half way.
  int port = 0;
  bool persistent = false;
  std::string source;    // Empty: an existing cluster was started, whose data is nobody's copy any more.
  std::string snapshot;  // "head", or a name.
  std::string lsn;
  int64_t data_time_us = 0;     // Unix time by the source's clock.
  int64_t started_time_us = 0;  // By ours.
};

// Nothing if there is none, or if it cannot be understood: a start then begins anew.
std::optional<LaunchState> ReadLaunchState(const std::filesystem::path& home);
void WriteLaunchState(const std::filesystem::path& home, const LaunchState& state);  // Throws kDisk.
void RemoveLaunchState(const std::filesystem::path& home);

// The file with the variables of a container that is being started, HOME/run/app.env.
std::filesystem::path ContainerVariables(const std::filesystem::path& home);

// Removes what a killed start left of it, and of the scratch server's. Every command begins with it. Leaves that of a
// start that goes on; never throws.
void RemoveLeftSecrets(const std::filesystem::path& home) noexcept;

// Held while something is started or stopped; released by the kernel when the process dies.
class LaunchLock {
 public:
  // Throws kInUse if another process holds it, naming it.
  explicit LaunchLock(const std::filesystem::path& home);

 private:
  FileDescriptor file_;
};

}  // namespace rotv::launch
