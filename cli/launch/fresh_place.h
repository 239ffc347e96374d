// Places of databases that run for one command: `rotv run --fresh` and `rotv warm`.
//
//   HOME/fresh/RANDOM            a place, as a project's is (project.h), but without one
//   HOME/fresh/RANDOM/run/owner  locked as long as the command runs; the entrypoint ends when the lock is free
//   HOME/run/fresh.lock          held for moments, while a place is made or left ones are looked for

#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "os/environment.h"
#include "storage/handle.h"
#include "storage/interrupt.h"
#include "sync/context/progress.h"

namespace rotv::launch {

class FreshPlace {
 public:
  // Makes a place, and holds the lock of its owner. Throws kDisk.
  FreshPlace(const std::filesystem::path& home, const Interrupt& interrupt);
  // Removes the place. What runs there was stopped before.
  ~FreshPlace();
  FreshPlace(const FreshPlace&) = delete;
  FreshPlace& operator=(const FreshPlace&) = delete;

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  FileDescriptor lock_;
};

// The file that an owner locks.
std::filesystem::path OwnerFile(const std::filesystem::path& place);

struct FoundFreshPlace {
  std::filesystem::path path;
  bool in_use = false;  // Its command runs.
};
// The places that are there. Nothing is changed.
std::vector<FoundFreshPlace> FindFreshPlaces(const std::filesystem::path& home);

// Stops and removes what killed commands have left: their servers, which end by themselves, and their places. Says what
// cannot be removed, and goes on.
void RemoveLeftFresh(const std::filesystem::path& home, const os::Environment& environment, Progress& progress,
                     const Interrupt& interrupt);

}  // namespace rotv::launch
