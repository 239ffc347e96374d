#include "os/private_file.h"

#include <unistd.h>

#include "storage/atomic_file.h"

namespace rotv::os {

PrivateFile::PrivateFile(const std::filesystem::path& path, std::string_view text) : path_(path) {
  std::filesystem::create_directories(path.parent_path());
  WriteNewFile(path, text);
}

PrivateFile::~PrivateFile() { unlink(path_.c_str()); }

}  // namespace rotv::os
