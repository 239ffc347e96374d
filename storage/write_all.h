// Writes to a descriptor until everything is written.

#pragma once

#include <string_view>

namespace rotv {

// Goes on after a signal, and waits where the other end of a pipe is full. Returns 0, or the errno of what prevented
// the rest from being written.
int WriteAll(int fd, std::string_view bytes);

}  // namespace rotv
