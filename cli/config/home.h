// Finds and creates the home directory, which holds all local state.

#pragma once

#include <filesystem>
#include <string>

#include "os/environment.h"

namespace rotv::config {

// The user's home directory: $HOME, else the one in the system's user database. Throws kUsage if there is neither.
std::filesystem::path UserHome(const os::Environment& environment);

// Replaces a leading "~" or "~/" in `path` by UserHome(). "~name" is left as it is.
std::filesystem::path ExpandTilde(const std::filesystem::path& path, const os::Environment& environment);

// Returns --home (empty: not given), else $ROTV_HOME, else ~/.rotv, as an absolute path. Touches nothing.
std::filesystem::path ResolveHome(const std::string& option, const os::Environment& environment);

// Creates `home` (0700) and the directories above it if they are missing, and makes sure that it can be used: it is a
// directory, it is ours, and only we can write to it. With HomeUse::kRead it may also be one that nobody can write to,
// as on a mount for reading only. Throws kDisk.
enum class HomeUse { kWrite, kRead };
void OpenHome(const std::filesystem::path& home, HomeUse use = HomeUse::kWrite);

}  // namespace rotv::config
