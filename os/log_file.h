// A file in the place of a journal.

#pragma once

#include <filesystem>

namespace rotv::os {

// From here on everything that this process and its children write goes to the end of `path`. A file that has grown to
// a megabyte is put aside as PATH.1 before, that one as PATH.2, and so on; three are kept. Throws kDisk.
void WriteToLogFile(const std::filesystem::path& path);

}  // namespace rotv::os
