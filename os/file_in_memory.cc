#include "os/file_in_memory.h"

#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "storage/error.h"
#include "storage/write_all.h"

namespace rotv::os {

FileDescriptor FileInMemory(const char* name, std::string_view text) {
  FileDescriptor file(memfd_create(name, MFD_CLOEXEC));
  if (!file || fchmod(file.get(), 0600) != 0 || WriteAll(file.get(), text) != 0 ||
      lseek(file.get(), 0, SEEK_SET) != 0) {
    throw Error(ErrorCode::kCannotStart, fmt::format("cannot make a file in memory: {}", std::strerror(errno)));
  }
  return file;
}

}  // namespace rotv::os
