#pragma once

namespace rotv::os {

// A TCP port of 127.0.0.1 without a listener at this moment; another program may still take it first. Throws
// kCannotStart if there is none.
int FreePort();

}  // namespace rotv::os
