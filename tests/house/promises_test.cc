// Checks the pages of promises against the tests: if the test of a promise is renamed or removed, nothing proves the
// promise.

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

// "Suite.Test" of every TEST, TEST_F and TEST_P below tests/. They are at the beginning of a line: to look for the
// expression everywhere would take seconds.
std::set<std::string> TestsOfTheTree() {
  static const std::regex kTest(R"(TEST(?:_[FP])?\(\s*(\w+),\s*(\w+)\))");
  std::set<std::string> names;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(ROTV_SOURCE_DIR "/tests")) {
    if (entry.path().extension() != ".cc") continue;
    const std::string text = WholeText(entry.path());
    for (size_t at = text.find("\nTEST"); at != std::string::npos; at = text.find("\nTEST", at + 1)) {
      const auto begin = text.begin() + static_cast<ptrdiff_t>(at) + 1;
      std::smatch match;
      if (!std::regex_search(begin, text.end(), match, kTest, std::regex_constants::match_continuous)) continue;
      names.insert(match[1].str() + "." + match[2].str());
    }
  }
  return names;
}

class PromisesTest : public ::testing::TestWithParam<std::string> {};

TEST_P(PromisesTest, EveryTestNamedOnThePageExists) {
  static const std::regex kNamed(R"(`(\w+Test\.\w+)`)");
  const std::string page = WholeText(fs::path(ROTV_SOURCE_DIR) / GetParam());
  const std::set<std::string> tests = TestsOfTheTree();
  size_t named = 0;
  for (std::sregex_iterator match(page.begin(), page.end(), kNamed), end; match != end; ++match, ++named) {
    EXPECT_EQ(tests.count((*match)[1].str()), 1u) << GetParam() << " names " << (*match)[1] << ", which is not a test";
  }
  EXPECT_GT(named, 0u) << GetParam() << " names no test at all";
}

// A row of a table of promises ends with the tests that hold it.
TEST_P(PromisesTest, EveryPromiseNamesATest) {
  static const std::regex kRow(R"(\|([^\n]*)\|([^|\n]*)\|\n)");
  static const std::regex kNamed(R"(`\w+Test\.\w+`)");
  const std::string page = WholeText(fs::path(ROTV_SOURCE_DIR) / GetParam());
  const std::string kHead = "| promise | test |\n| --- | --- |\n";
  size_t promises = 0;
  for (size_t table = page.find(kHead); table != std::string::npos; table = page.find(kHead, table + 1)) {
    const size_t begin = table + kHead.size();
    const std::string rows = page.substr(begin, page.find("\n\n", begin) + 1 - begin);
    for (std::sregex_iterator row(rows.begin(), rows.end(), kRow), end; row != end; ++row, ++promises) {
      EXPECT_TRUE(std::regex_search((*row)[2].str(), kNamed)) << "no test holds:" << (*row)[1];
    }
  }
  EXPECT_GT(promises, 0u) << GetParam() << " has no table of promises";
}

INSTANTIATE_TEST_SUITE_P(All, PromisesTest, ::testing::Values("SECURITY.md", "docs/reliability.md"),
                         [](const auto& page) { return page.index == 0 ? "Security" : "Reliability"; });

}  // namespace
}  // namespace rotv
