#include "sync/postgres/psql_restrict.h"

#include <charconv>

#include "os/local_command.h"
#include "os/random_text.h"

namespace rotv::postgres {

bool HasFixesOfAugust2025(int version) {
  constexpr int kFirstFixed[] = {130022, 140019, 150014, 160010, 170006};
  for (int fixed : kFirstFixed) {
    if (version / 10000 == fixed / 10000) return version >= fixed;
  }
  return version / 10000 > 17;
}

int ParseProgramVersion(std::string_view text) {
  // A login shell may have printed something before it.
  constexpr std::string_view kName = "(PostgreSQL) ";
  const size_t name = text.find(kName);
  if (name == std::string_view::npos) return 0;
  int major = 0;
  int minor = 0;
  const char* end = text.data() + text.size();
  const char* next = std::from_chars(text.data() + name + kName.size(), end, major).ptr;
  if (next < end && *next == '.') std::from_chars(next + 1, end, minor);
  return major * 10000 + minor;
}

int PsqlVersion(const std::vector<std::string>& command, const Interrupt& interrupt) {
  std::string text;
  const os::CommandResult result = os::RunLocalCommand(
      {.argv = command, .env = {}, .password = {}}, [&](std::string_view part) { text.append(part); }, interrupt);
  return result.exit_status == 0 ? ParseProgramVersion(text) : 0;
}

std::string NewRestrictKey() {
  constexpr std::string_view kLetters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  constexpr size_t kSize = 63;
  return os::RandomText(kLetters, kSize);
}

}  // namespace rotv::postgres
