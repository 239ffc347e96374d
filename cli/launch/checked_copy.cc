#include "cli/launch/checked_copy.h"

#include <unistd.h>

#include <cerrno>
#include <string_view>

#include "storage/file_checksum.h"
#include "storage/write_all.h"

namespace rotv::launch {

CopiedBytes CopyBytes(int from, int to, std::vector<char>* buffer, const Interrupt& stop,
                      std::atomic<uint64_t>* counter) {
  CopiedBytes copied;
  FileChecksum checksum;
  while (true) {
    stop.Check();
    const ssize_t got = read(from, buffer->data(), buffer->size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) copied.read_problem = errno;
    if (got <= 0) break;
    const std::string_view piece(buffer->data(), static_cast<size_t>(got));
    checksum.Add(piece);
    copied.bytes += piece.size();
    copied.write_problem = WriteAll(to, piece);
    if (copied.write_problem != 0) break;
    if (counter != nullptr) *counter += piece.size();
  }
  copied.sum = checksum.value();
  return copied;
}

}  // namespace rotv::launch
