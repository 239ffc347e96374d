// The libraries that this program runs with.

#pragma once

#include <string>
#include <vector>

namespace rotv {

struct LibraryVersion {
  std::string name;
  std::string version;  // Of the library that is loaded, which may be a later one than that of the build.
};

std::vector<LibraryVersion> LibraryVersions();

}  // namespace rotv
