// Removes what is stored of a source as a whole.

#pragma once

#include <filesystem>
#include <string>

namespace rotv {

// Removes the directory of a source: its name is free on return. A kill leaves all of it, or under another name what
// the next call removes. `command` is what SourceInUse of another process says about this one. Throws SourceInUse if
// another process works on the source, kInUse if one reads it, kUsage if nothing is stored of it, kDisk if it cannot be
// removed.
void RemoveStoredSource(const std::filesystem::path& home, const std::string& source_name, const std::string& command);

// Removes the directories of sources of which nothing is stored, as failed and killed imports leave them, and what
// killed calls of RemoveStoredSource() have left. Those on which a process works stay, and all that has a file which is
// not known to be of no use. Never throws: what cannot be removed is tried again by the next call.
void RemoveEmptySources(const std::filesystem::path& home) noexcept;

}  // namespace rotv
