// Checks that only StoreState changes the state of a store, and that only the table tells masking rules apart.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <string>
#include <vector>

namespace rotv {
namespace {

// Gives the lines of these folders' sources that have `text` in a way that matches, as "sync/pull.cc: line". Most lines
// do not have it: an expression takes a thousand times as long to say so.
std::vector<std::string> LinesWith(const std::vector<std::string>& folders, const std::string& text,
                                   const std::string& pattern = "") {
  const std::filesystem::path source = ROTV_SOURCE_DIR;
  const std::regex expression(pattern);
  std::vector<std::string> found;
  size_t files = 0;
  for (const std::string& folder : folders) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(source / folder)) {
      if (entry.path().extension() != ".h" && entry.path().extension() != ".cc") continue;
      std::ifstream file(entry.path());
      ++files;
      for (std::string line; std::getline(file, line);) {
        if (line.find(text) != std::string::npos && std::regex_search(line, expression)) {
          found.push_back(std::filesystem::relative(entry.path(), source).generic_string() + ": " + line);
        }
      }
    }
  }
  EXPECT_GT(files, 20U);
  return found;
}

TEST(OwnersTest, OutsideOfStorageTheManifestIsReadOnly) {
  EXPECT_THAT(LinesWith({"sync", "cli"}, "proto::Manifest", "(^|[^t]) proto::Manifest|<proto::Manifest"),
              ::testing::IsEmpty());
  EXPECT_THAT(LinesWith({"sync", "cli"}, "StoreState::FromStored"), ::testing::IsEmpty());
}

TEST(OwnersTest, NoSwitchTellsMaskingRulesApart) {
  EXPECT_THAT(LinesWith({"sync", "cli"}, "case MaskKind::"), ::testing::IsEmpty());
}

}  // namespace
}  // namespace rotv
