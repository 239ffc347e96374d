// Where a source's state lives under the home directory, and the lock that keeps a second process out.
//
//   HOME/sources/NAME/lock          held (flock) by the one process that works on this source
//   HOME/sources/NAME/current       the name of the store's directory; replaced by rename
//   HOME/sources/NAME/store-XXXX/   a RocksDB
//   HOME/sources/NAME/owned.json    slots and publications on the source that are to be removed

#pragma once

#include <filesystem>
#include <string>

namespace rotv {

// Whether a complete baseline of this source is here. Takes no lock. Throws kDisk if it cannot be told.
bool HasBaseline(const std::filesystem::path& home, const std::string& source_name);

}  // namespace rotv
