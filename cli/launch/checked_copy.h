// Copies the bytes of a file, and computes their checksum on the way: they are read only once.

#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "storage/interrupt.h"

namespace rotv::launch {

// Fits into the processor's cache, where the checksum finds what was read.
inline constexpr size_t kCopyBufferBytes = size_t{256} << 10;

// To memory two processors copy almost twice as much as one; more than four have nothing to gain.
inline constexpr size_t kMostCopyThreads = 4;

struct CopiedBytes {
  int read_problem = 0;   // An errno; 0: all was read.
  int write_problem = 0;  // Likewise.
  uint64_t bytes = 0;
  uint64_t sum = 0;  // As FileChecksum has it.
};

// Copies from where `from` is to its end. `buffer` has kCopyBufferBytes; each piece is added to `counter`, if there is
// one. Throws kInterrupted.
CopiedBytes CopyBytes(int from, int to, std::vector<char>* buffer, const Interrupt& stop,
                      std::atomic<uint64_t>* counter = nullptr);

}  // namespace rotv::launch
