// The errors for stores that are damaged.

#pragma once

#include <filesystem>
#include <string>

#include "storage/error.h"
#include "storage/view_path.h"

namespace rotv {

// What to do about a damaged store; see FORMAT.md.
inline constexpr const char* kDamagedHint =
    "rotv-sync check says what is damaged, check --repair copies it from the source; if that cannot be, take a new "
    "baseline: rotv-sync baseline --force, which leaves the damaged store where it is";

// Throws kCorrupt for a store whose content contradicts its format: "the store holds `what`".
[[noreturn]] inline void ThrowCorrupt(const char* what) {
  throw Error(ErrorCode::kCorrupt, std::string("the store holds ") + what, kDamagedHint);
}

// Throws kCorrupt for a store whose files are damaged: "the store in `directory` is damaged: `what`".
[[noreturn]] inline void ThrowDamaged(const std::filesystem::path& directory, const std::string& what) {
  throw Error(ErrorCode::kCorrupt, WithoutViews("the store in " + directory.string() + " is damaged: " + what),
              kDamagedHint);
}

}  // namespace rotv
