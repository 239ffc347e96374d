// Pulls from a remote, for every command that does, and says what that has done.

#pragma once

#include <string>

#include "sync/follow_remote.h"

namespace rotv::program {

// FollowRemote(), after which files of the store are merged if many are owed.
FollowResult PullFromRemote(const Context& context, OlderHead older);

// What it has done. kLine is a line among others, without its end: "took copy from /srv/history at 0/1"; kResult is all
// of it, a result of its own.
enum class Detail { kLine, kResult };
std::string PulledText(const FollowResult& result, const std::string& source_name, Detail detail);

}  // namespace rotv::program
