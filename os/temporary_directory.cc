#include "os/temporary_directory.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>
#include <system_error>

#include "storage/error.h"

namespace rotv::os {

TemporaryDirectory::TemporaryDirectory() {
  const std::filesystem::path parent = std::filesystem::temp_directory_path();
  std::string pattern = parent / "rotv-XXXXXX";
  if (mkdtemp(pattern.data()) == nullptr) {
    throw Error(ErrorCode::kDisk,
                fmt::format("cannot create a directory in {}: {}", parent.native(), std::strerror(errno)),
                "free some space there, or set TMPDIR");
  }
  path_ = pattern;
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace rotv::os
