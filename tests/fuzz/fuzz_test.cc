// Feeds every fuzz target its corpus and what once made it fail: the same functions as libFuzzer's programs, in every
// test run. Files are also cut and changed a little, always in the same way.

#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "tests/fuzz/fuzz_target.h"

namespace rotv {
namespace {

namespace fs = std::filesystem;

const fs::path kFolder = fs::path(ROTV_SOURCE_DIR) / "tests/fuzz";
constexpr int kChanges = 12;  // Of each file.

// The file that is fed now, for whoever reads of a crash.
std::string fed_now;

void SayWhatIsFed(int signal_number) {
  std::fprintf(stderr, "while %s was fed\n", fed_now.c_str());
  std::signal(signal_number, SIG_DFL);
  std::raise(signal_number);
}

std::vector<fs::path> FilesFor(const char* folder, const std::string& target) {
  std::vector<fs::path> files;
  std::error_code none;
  for (const auto& file : fs::directory_iterator(kFolder / folder / target, none)) files.push_back(file.path());
  std::sort(files.begin(), files.end());
  return files;
}

std::string ContentOf(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

class FuzzTargetTest : public ::testing::TestWithParam<FuzzTarget> {
 protected:
  FuzzTargetTest() { std::signal(SIGABRT, SayWhatIsFed); }
  ~FuzzTargetTest() override { std::signal(SIGABRT, SIG_DFL); }

  // In memory of just its size, so that AddressSanitizer sees a read beyond its end.
  static void Feed(const std::string& name, const std::string& bytes) {
    fed_now = name;
    SCOPED_TRACE(name);
    const std::vector<char> exact(bytes.begin(), bytes.end());
    GetParam().run({exact.data(), exact.size()});
  }
};

TEST_P(FuzzTargetTest, ItsCorpusHolds) {
  const std::vector<fs::path> files = FilesFor("corpus", GetParam().name);
  ASSERT_FALSE(files.empty());
  std::minstd_rand random(7);
  Feed("nothing", "");
  for (const fs::path& file : files) {
    const std::string bytes = ContentOf(file);
    Feed(file.string(), bytes);
    for (int change = 0; change < kChanges && !bytes.empty(); ++change) {
      std::string changed = bytes;
      if (change % 3 == 0) {
        changed.resize(random() % changed.size());
      } else if (change % 3 == 1) {
        changed[random() % changed.size()] = static_cast<char>(random());
      } else {
        changed.insert(random() % changed.size(), changed.substr(random() % changed.size(), random() % 16));
      }
      Feed(file.string() + ", change " + std::to_string(change), changed);
    }
  }
}

TEST_P(FuzzTargetTest, WhatOnceFailedHolds) {
  for (const fs::path& file : FilesFor("regressions", GetParam().name)) Feed(file.string(), ContentOf(file));
}

INSTANTIATE_TEST_SUITE_P(All, FuzzTargetTest, ::testing::ValuesIn(AllFuzzTargets()),
                         [](const auto& target) { return std::string(target.param.name); });

TEST(FuzzFilesTest, EachFolderBelongsToATarget) {
  for (const char* folder : {"corpus", "regressions"}) {
    std::error_code none;
    for (const auto& entry : fs::directory_iterator(kFolder / folder, none)) {
      const std::string name = entry.path().filename();
      const auto& all = AllFuzzTargets();
      EXPECT_TRUE(std::any_of(all.begin(), all.end(), [&](const FuzzTarget& target) { return target.name == name; }))
          << entry.path();
    }
  }
}

}  // namespace
}  // namespace rotv
