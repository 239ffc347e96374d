// Makes the keys of teams.

#pragma once

#include <filesystem>

namespace rotv {

// Writes a new key into a file that is its owner's alone (0600). Throws kUsage if there is something already, kDisk.
void NewTeamKey(const std::filesystem::path& file);

}  // namespace rotv
