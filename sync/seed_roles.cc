#include "sync/seed_roles.h"

#include <string_view>

#include "sync/formats/schema_roles.h"
#include "sync/seed/seed_lines.h"

namespace rotv {

std::set<std::string> RolesOfSeed(const std::filesystem::path& seed, const Interrupt& interrupt) {
  std::string statements;
  bool in_rows = false;
  uint64_t lines = 0;
  seed::ForEachSeedLine(seed, [&](std::string_view line) {
    constexpr uint64_t kLinesBetweenChecks = 1 << 14;
    if (++lines % kLinesBetweenChecks == 0) interrupt.Check();
    if (in_rows) {
      in_rows = line != "\\.";
    } else if (line.starts_with("COPY ") && line.ends_with(" FROM stdin;")) {
      in_rows = true;
    } else if (line.starts_with("CREATE POLICY ") || line.starts_with("CREATE USER MAPPING FOR ")) {
      statements.append("\n").append(line);
    }
  });
  return formats::RolesIn(statements);
}

}  // namespace rotv
