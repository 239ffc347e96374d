// Finds "." and ".." in paths: on the way they would be taken out, together with what is before them.

#pragma once

#include <string_view>

namespace rotv::remote {

// True if a part of the path between slashes is one of these, even written as %2e. Pure.
bool HasRelativePart(std::string_view path);

}  // namespace rotv::remote
