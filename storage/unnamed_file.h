// A file without a name: it is gone when it is closed, or the process is killed.

#pragma once

#include <filesystem>

#include "storage/handle.h"

namespace rotv {

// Makes one in a directory, for reading and writing. Returns an empty descriptor, with errno, if it cannot.
FileDescriptor OpenUnnamedFile(const std::filesystem::path& directory);

}  // namespace rotv
