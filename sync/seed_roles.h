// Reads from a seed what its import needs and a note tells of our own seeds.

#pragma once

#include <filesystem>
#include <set>
#include <string>

#include "storage/interrupt.h"

namespace rotv {

// The roles that the statements of a seed name, as in MaterializeResult. Reads the whole file, which may be compressed.
// Throws kCorrupt if it is damaged, kDisk if it cannot be read, and kInterrupted.
std::set<std::string> RolesOfSeed(const std::filesystem::path& seed, const Interrupt& interrupt);

}  // namespace rotv
