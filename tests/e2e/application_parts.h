// The files of tests/e2e/oracle/applications: a small database of the shape of one kind of application, each.

#pragma once

#include <sstream>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "tests/support/files/subprocess.h"

namespace rotv::testing {

// "--- superuser", "--- schema" (or nothing, at the beginning) and "--- migration" begin the next part.
struct ApplicationPart {
  bool superuser = false;
  bool migration = false;
  std::string sql;
};

inline std::vector<ApplicationPart> PartsOf(const std::string& application) {
  std::istringstream in(ReadFile(fmt::format("{}/tests/e2e/oracle/applications/{}.sql", ROTV_SOURCE_DIR, application)));
  std::vector<ApplicationPart> parts(1);
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("--- ")) {
      parts.push_back({.superuser = line == "--- superuser", .migration = line == "--- migration", .sql = ""});
    } else {
      parts.back().sql += line + "\n";
    }
  }
  return parts;
}

}  // namespace rotv::testing
