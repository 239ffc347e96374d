// Names of saved data (`rotv save`). They and the names of snapshots are taken for each other, so none may be both.

#pragma once

#include <filesystem>
#include <string>

namespace rotv::launch {

// True if data was saved under this name.
bool IsSaved(const std::filesystem::path& home, const std::string& name);

// Throws kUsage if it was.
void RequireNotSaved(const std::filesystem::path& home, const std::string& name);

}  // namespace rotv::launch
