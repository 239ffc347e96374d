#include "tests/support/files/temp_dir.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <system_error>

namespace rotv::testing {

TempDir::TempDir(TempDirName name, const std::filesystem::path& parent) {
  std::string pattern = parent / "rotv-test.XXXXXX";
  if (mkdtemp(pattern.data()) == nullptr) {
    throw std::filesystem::filesystem_error("mkdtemp", pattern, std::error_code(errno, std::generic_category()));
  }
  root_ = pattern;
  chmod(root_.c_str(), 0755);  // NOLINT(bugprone-unused-return-value): our own new directory.
  path_ = root_;
  if (name == TempDirName::kWithSpace) {
    path_ = root_ / "a b";
    std::filesystem::create_directory(path_);
  }
}

TempDir::~TempDir() {
  if (std::getenv("ROTV_KEEP_TEMP") != nullptr) {
    std::fprintf(stderr, "kept: %s\n", root_.c_str());
    return;
  }
  std::error_code ignored;
  std::filesystem::remove_all(root_, ignored);
}

}  // namespace rotv::testing
