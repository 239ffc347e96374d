// Checks SECURITY.md against the tests: if the test of a promise is renamed or removed, nothing proves the promise.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <string>

namespace rotv {
namespace {

namespace fs = std::filesystem;

std::string WholeText(const fs::path& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

// "Suite.Test" of every TEST, TEST_F and TEST_P below tests/.
std::set<std::string> TestsOfTheTree() {
  static const std::regex kTest(R"(\bTEST(?:_[FP])?\(\s*(\w+),\s*(\w+)\))");
  std::set<std::string> names;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(ROTV_SOURCE_DIR "/tests")) {
    if (entry.path().extension() != ".cc") continue;
    const std::string text = WholeText(entry.path());
    for (std::sregex_iterator match(text.begin(), text.end(), kTest), end; match != end; ++match) {
      names.insert((*match)[1].str() + "." + (*match)[2].str());
    }
  }
  return names;
}

TEST(SecurityPageTest, EveryTestNamedInSecurityPageExists) {
  static const std::regex kNamed(R"(`(\w+Test\.\w+)`)");
  const std::string page = WholeText(ROTV_SOURCE_DIR "/SECURITY.md");
  const std::set<std::string> tests = TestsOfTheTree();
  size_t named = 0;
  for (std::sregex_iterator match(page.begin(), page.end(), kNamed), end; match != end; ++match, ++named) {
    EXPECT_EQ(tests.count((*match)[1].str()), 1u) << "SECURITY.md names " << (*match)[1] << ", which is not a test";
  }
  EXPECT_GT(named, 0u) << "SECURITY.md names no test at all";
}

}  // namespace
}  // namespace rotv
