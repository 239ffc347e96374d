// A file that is in no directory: a killed run leaves nothing behind.

#pragma once

#include <string_view>

#include "storage/handle.h"

namespace rotv::os {

// Returns a file with this text, of which the beginning is read next. Only its owner can open it, and no program that
// is started inherits it. `name` is what /proc shows. Throws kCannotStart.
FileDescriptor FileInMemory(const char* name, std::string_view text);

}  // namespace rotv::os
