// A remote in a directory.

#pragma once

#include <memory>
#include <string>

#include "sync/remote/purpose.h"
#include "sync/remote/remote_place.h"

namespace rotv::remote {

// One that is missing is made with kPublish, for its owner alone, and else throws kUnreachable. Throws kDisk if it
// cannot be made.
std::unique_ptr<RemotePlace> OpenDirectory(const std::string& directory, Purpose purpose);

}  // namespace rotv::remote
