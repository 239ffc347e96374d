#include "os/postgres_programs.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "os/process_environment.h"
#include "tests/support/files/subprocess.h"
#include "tests/support/files/temp_dir.h"

namespace rotv::os {
namespace {

namespace fs = std::filesystem;

TEST(PostgresProgramsTest, InitdbInPathComesFirstWhereverItsLinkIs) {
  const testing::TempDir linked;
  const testing::TempDir real;
  testing::WriteFile(real / "initdb", "", 0755);
  fs::create_symlink(real / "initdb", linked / "initdb");
  EXPECT_EQ(FindPostgresPrograms({{"PATH", "/none::" + linked.path().string()}}), fs::canonical(real.path()));
}

TEST(PostgresProgramsTest, WithoutPathItIsTheNewestOfPackagesThatHasAServer) {
  fs::path newest;
  for (const fs::path& directory : PackagedPostgresDirectories()) {
    if (newest.empty() && access((directory / "initdb").c_str(), X_OK) == 0) newest = directory;
  }
  EXPECT_EQ(FindPostgresPrograms({{"PATH", "/none"}}), newest);
}

// The entrypoint and the demo go by the same rule.
TEST(PostgresProgramsTest, TheShellFindsTheSame) {
  const testing::TempDir own;
  testing::WriteFile(own / "initdb", "", 0755);
  const std::string script =
      "source '" ROTV_SOURCE_DIR "/entrypoint/postgres_programs.sh'; find_postgres_programs || true";
  for (const std::string& path : {own.path().string() + ":/usr/bin:/bin", std::string("/usr/bin:/bin")}) {
    const testing::Result found = testing::MustRun({.argv = {"/bin/bash", "-c", script}, .env = {{"PATH", path}}});
    const fs::path expected = FindPostgresPrograms({{"PATH", path}});
    EXPECT_EQ(found.out, expected.empty() ? "" : expected.string() + "\n") << path;
  }
}

}  // namespace
}  // namespace rotv::os
