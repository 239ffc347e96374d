// A server sends each message of a stream of changes by a call of its own. Where the receiver's TCP window is full,
// what is sent waits in the sender's kernel and leaves it in few large pieces, which costs both sides less.

#pragma once

namespace rotv::postgres {

// Limits what the kernel receives on this socket before it is read. Returns false, and changes nothing, if it is not a
// TCP socket, or if the round trip is so long that the window would limit the rate.
bool NarrowReceiveWindow(int socket);

}  // namespace rotv::postgres
