// The directory of all local state.

#pragma once

#include <filesystem>
#include <string>

#include "os/environment.h"

namespace rotv::config {

// The person's home directory: $HOME, else what the system's user database says.
// Throws kUsage if neither tells.
std::filesystem::path UserHome(const os::Environment& environment);

// `path` with a leading "~" or "~/" replaced by UserHome(). "~name" is left as it is.
std::filesystem::path ExpandTilde(const std::filesystem::path& path, const os::Environment& environment);

// --home (empty: not given), else $ROTV_HOME, else ~/.rotv; absolute. Touches nothing.
std::filesystem::path ResolveHome(const std::string& option, const os::Environment& environment);

// Creates `home` (0700) with the directories above it where it is missing, and makes sure that it can be used: a
// directory, ours, writable, and by nobody else. Throws kDisk.
void OpenHome(const std::filesystem::path& home);

}  // namespace rotv::config
