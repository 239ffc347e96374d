// Records what `rotv start` started, for later commands (HOME/run/app.json), and holds the lock that keeps two commands
// from starting and stopping at the same time.

#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

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
  std::string source;             // Empty: an existing persistent cluster was started.
  std::string snapshot;           // "head", or a name.
  std::string lsn;
  int64_t data_time_us = 0;     // Unix time by the source's clock.
  int64_t started_time_us = 0;  // Unix time by this machine's clock.
};

// Returns nothing if there is no record, or if it cannot be parsed: a start then starts from scratch.
std::optional<LaunchState> ReadLaunchState(const std::filesystem::path& home);
void WriteLaunchState(const std::filesystem::path& home, const LaunchState& state);  // Throws kDisk.
void RemoveLaunchState(const std::filesystem::path& home);

// The file with the variables of a container that is being started, HOME/run/app.env.
std::filesystem::path ContainerVariables(const std::filesystem::path& home);

// Removes the file that a killed start left, and the scratch server's. Every command begins with this. Leaves the file
// of a start that is still going on. Never throws.
void RemoveLeftSecrets(const std::filesystem::path& home) noexcept;

// Held while something is started or stopped; released by the kernel when the process dies.
class LaunchLock {
 public:
  // Throws kInUse if another process holds the lock; the message has its process number.
  explicit LaunchLock(const std::filesystem::path& home);

 private:
  FileDescriptor file_;
};

}  // namespace rotv::launch
