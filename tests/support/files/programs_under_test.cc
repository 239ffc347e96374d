#include "tests/support/files/programs_under_test.h"

#include <cstdlib>
#include <filesystem>
#include <map>
#include <mutex>
#include <string>

namespace rotv::testing {

const char* ProgramUnderTest(const char* built) {
  const char* directory = std::getenv("ROTV_TEST_PROGRAMS");
  if (directory == nullptr) return built;
  static std::mutex mutex;
  static std::map<std::string, std::string> paths;
  const std::lock_guard lock(mutex);
  std::string& path = paths[built];
  if (path.empty()) path = std::filesystem::path(directory) / std::filesystem::path(built).filename();
  return path.c_str();
}

}  // namespace rotv::testing
