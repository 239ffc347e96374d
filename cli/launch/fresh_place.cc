#include "cli/launch/fresh_place.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <system_error>
#include <thread>
#include <vector>

#include "cli/config/app_config.h"
#include "cli/launch/launch_state.h"
#include "cli/launch/runtime.h"
#include "os/random_text.h"
#include "storage/atomic_file.h"
#include "storage/error.h"

namespace rotv::launch {
namespace {

namespace fs = std::filesystem;

constexpr size_t kPlaceDigits = 12;

fs::path FreshPlaces(const fs::path& home) { return home / "fresh"; }
fs::path FreshTurn(const fs::path& home) { return home / "run" / "fresh.lock"; }

// Held while a place is made and not locked yet: nobody may take it for a left one.
FileDescriptor TakeFreshTurn(const fs::path& home, const Interrupt& interrupt) {
  fs::create_directories(home / "run");
  FileDescriptor file = OpenOrCreateFile(FreshTurn(home), O_RDWR);
  while (flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    interrupt.Check();
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return file;
}

std::vector<fs::path> AllPlaces(const fs::path& home) {
  std::vector<fs::path> places;
  std::error_code none;
  for (fs::directory_iterator entry(FreshPlaces(home), none), end; !none && entry != end; entry.increment(none)) {
    places.push_back(entry->path());
  }
  std::sort(places.begin(), places.end());
  return places;
}

struct LeftPlace {
  fs::path path;
  FileDescriptor lock;
};

std::vector<LeftPlace> LeftPlaces(const fs::path& home, const Interrupt& interrupt) {
  std::vector<LeftPlace> left;
  if (AllPlaces(home).empty()) return left;
  const FileDescriptor turn = TakeFreshTurn(home, interrupt);
  for (const fs::path& place : AllPlaces(home)) {
    // Without the file it is one whose maker was killed at once, or that is being removed.
    FileDescriptor lock(open(OwnerFile(place).c_str(), O_RDWR | O_CLOEXEC));
    if (lock && flock(lock.get(), LOCK_EX | LOCK_NB) != 0) continue;
    left.push_back({place, std::move(lock)});
  }
  return left;
}

bool IsInUse(const fs::path& place) {
  const FileDescriptor lock(open(OwnerFile(place).c_str(), O_RDONLY | O_CLOEXEC));
  return lock && flock(lock.get(), LOCK_EX | LOCK_NB) != 0;
}

RuntimeKind RuntimeKindOf(const std::string& name) {
  if (name == "podman") return RuntimeKind::kPodman;
  return name == "docker" ? RuntimeKind::kDocker : RuntimeKind::kLocal;
}

}  // namespace

fs::path OwnerFile(const fs::path& place) { return place / "run" / "owner"; }

FreshPlace::FreshPlace(const fs::path& home, const Interrupt& interrupt) {
  const FileDescriptor turn = TakeFreshTurn(home, interrupt);
  fs::create_directories(FreshPlaces(home));
  fs::permissions(FreshPlaces(home), fs::perms::owner_all);
  path_ = FreshPlaces(home) / os::RandomText(os::kHexDigits, kPlaceDigits);
  fs::create_directories(path_ / "run");
  lock_ = OpenOrCreateFile(OwnerFile(path_), O_RDWR);
  if (flock(lock_.get(), LOCK_EX | LOCK_NB) != 0) {
    throw Error(ErrorCode::kDisk, fmt::format("{} cannot be locked", OwnerFile(path_).native()),
                "put the home directory (--home) onto a file system with locks");
  }
}

FreshPlace::~FreshPlace() {
  std::error_code ignored;  // The next command removes it.
  fs::remove_all(path_, ignored);
}

std::vector<FoundFreshPlace> FindFreshPlaces(const fs::path& home) {
  std::vector<FoundFreshPlace> found;
  // While this is held, nobody makes a place, and finds it locked by us. It is not made: the home may be read only.
  const FileDescriptor turn(open(FreshTurn(home).c_str(), O_RDONLY | O_CLOEXEC));
  if (turn) flock(turn.get(), LOCK_EX);
  for (const fs::path& place : AllPlaces(home)) found.push_back({place, IsInUse(place)});
  return found;
}

void RemoveLeftFresh(const fs::path& home, const os::Environment& environment, Progress& progress,
                     const Interrupt& interrupt) {
  for (const LeftPlace& left : LeftPlaces(home, interrupt)) {
    try {
      if (const std::optional<LaunchState> state = ReadLaunchState(left.path)) {
        ChooseRuntime(RuntimeKindOf(state->runtime), left.path, config::AppConfig(), environment, interrupt)->Stop();
      }
      fs::remove_all(left.path);
    } catch (const Error& error) {
      if (error.code() == ErrorCode::kInterrupted) throw;
      progress.Warn(fmt::format("what a killed command has left cannot be removed: {}", error.what()));
    } catch (const fs::filesystem_error&) {
      // Another command removes it.
    }
  }
}

}  // namespace rotv::launch
