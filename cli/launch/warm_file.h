// Makes the files of a warm cluster (warm_clusters.h).

#pragma once

#include <filesystem>

#include "storage/handle.h"

namespace rotv::launch {

// Whichever user the server runs as, in whichever container, reads and writes these files: they are a layer of an
// overlay, or are copied by that user. HOME/warm/ID above them is open to nobody but us. Both return false, or nothing,
// if that fails, also if there is something of that name; errno says why.
bool MakeWarmDirectory(const std::filesystem::path& path);
FileDescriptor MakeWarmFile(const std::filesystem::path& path);

}  // namespace rotv::launch
