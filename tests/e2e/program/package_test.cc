// The package for this machine's distribution, in a clean system.

#include <gtest/gtest.h>

#include "tests/support/files/subprocess.h"
#include "tests/support/files/temp_dir.h"

namespace rotv::testing {
namespace {

// Named like what needs a file system of its own, and is left out with containers.
// Labels: slow
TEST(ContainerPackageTest, IsInstalledUsedReplacedAndRemoved) {
  const TempDir directory;
  const std::filesystem::path build = std::filesystem::path(ROTV_SYNC_BUILT).parent_path().parent_path();
  MustRun({.argv = {ROTV_SOURCE_DIR "/tests/e2e/program/package.sh", build, directory.path()},
           .timeout = std::chrono::minutes(10)});
  size_t packages = 0;
  for (const auto& entry : std::filesystem::directory_iterator(directory.path())) {
    packages += entry.path().extension() == ".deb" ? 1 : 0;
  }
  EXPECT_EQ(packages, 1U);
}

}  // namespace
}  // namespace rotv::testing
