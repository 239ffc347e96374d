// Redirects output to a log file with rotation, where there is no journal.

#pragma once

#include <filesystem>

namespace rotv::os {

// Redirects standard output and standard error of this process, and so of its children, to the end of `path`. Before
// that, a file that has reached a megabyte is renamed to PATH.1, PATH.1 to PATH.2, and so on; three are kept. Throws
// kDisk.
void WriteToLogFile(const std::filesystem::path& path);

}  // namespace rotv::os
