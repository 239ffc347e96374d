#include "storage/unnamed_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <string_view>

namespace rotv {

FileDescriptor OpenUnnamedFile(const std::filesystem::path& directory) {
  FileDescriptor file(open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (file) return file;
  // Not every file system has files without a name. A store removes such names when it is opened.
  constexpr std::string_view kSuffix = ".tmp";
  std::string path = (directory / "run-XXXXXX").string().append(kSuffix);
  file = FileDescriptor(mkostemps(path.data(), kSuffix.size(), O_CLOEXEC));
  if (file) unlink(path.c_str());
  return file;
}

}  // namespace rotv
