// HOME/sources/NAME/remote-head: what was last read of the remote that this source follows. It may be removed at any
// time, and is nothing that a person could want.

#pragma once

namespace rotv {

inline constexpr const char* kRemoteHeadName = "remote-head";

}  // namespace rotv
