#include "sync/team_keys.h"

#include <fmt/format.h>

#include "storage/atomic_file.h"
#include "storage/error.h"
#include "sync/remote/team_key.h"

namespace rotv {

void NewTeamKey(const std::filesystem::path& file) {
  if (std::filesystem::exists(std::filesystem::symlink_status(file))) {
    throw Error(ErrorCode::kUsage, fmt::format("there is something in {} already", file.native()),
                "name another file: what is published under a key that is lost cannot be read any more");
  }
  WriteFileAtomically(file, remote::TeamKey::NewText() + "\n");
}

}  // namespace rotv
