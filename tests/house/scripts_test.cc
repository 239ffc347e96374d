// Checks what shellcheck does not know of the shell scripts.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <string>
#include <vector>

namespace rotv {
namespace {

namespace fs = std::filesystem;

// The scripts of the tree that bash runs: by their first line, or as a part that the entrypoint sources.
std::vector<fs::path> ShellScripts() {
  std::vector<fs::path> scripts;
  for (const char* place : {"dev", ".ci", "entrypoint", "examples", "os", "tests"}) {
    std::vector<fs::path> files;
    const fs::path path = fs::path(ROTV_SOURCE_DIR) / place;
    if (fs::is_regular_file(path)) files.push_back(path);
    if (fs::is_directory(path)) {
      for (auto entry = fs::recursive_directory_iterator(path); entry != fs::recursive_directory_iterator(); ++entry) {
        if (entry->path().filename() == "node_modules") entry.disable_recursion_pending();
        if (entry->is_regular_file()) files.push_back(entry->path());
      }
    }
    for (const fs::path& file : files) {
      std::ifstream in(file);
      std::string first;
      std::getline(in, first);
      if (file.extension() == ".sh" || (first.starts_with("#!") && first.find("bash") != std::string::npos)) {
        scripts.push_back(file);
      }
    }
  }
  return scripts;
}

// A reader that ends early ends the writer before it by SIGPIPE, sometimes; with pipefail that fails the whole pipe
// (141), and `if … | grep -q` says no where the answer is yes.
TEST(ScriptsTest, NoReaderOfAPipeEndsBeforeItsWriter) {
  static const std::regex kEndsEarly(R"([^|]\|\s*(head\b|grep\s+(-\w+\s+)*-\w*[qm]))");
  const std::vector<fs::path> scripts = ShellScripts();
  EXPECT_GT(scripts.size(), 10u);
  for (const fs::path& script : scripts) {
    std::ifstream in(script);
    std::string line;
    for (int number = 1; std::getline(in, line); ++number) {
      const bool expected = line.find("|| true") != std::string::npos;  // Of a writer that has no end.
      EXPECT_TRUE(expected || !std::regex_search(line, kEndsEarly))
          << script.string() << ":" << number << ": sed -n 1p, or grep … >/dev/null, read all: " << line;
    }
  }
}

}  // namespace
}  // namespace rotv
