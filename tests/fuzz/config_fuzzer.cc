// rotv.toml is read or refused with a hint; it means the same when it is read again, and with a comment at its end; no
// error says what a password is.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/config/config.h"
#include "sync/mask/rule_text.h"
#include "tests/fuzz/fuzz_check.h"
#include "tests/fuzz/fuzz_directory.h"
#include "tests/fuzz/fuzz_target.h"

namespace rotv::config {
namespace {

// What was read, or the error, as a text.
std::string Read(const FuzzDirectory& directory, std::string_view text) {
  directory.Write("rotv.toml", text);
  std::string found;
  try {
    const Config config({.config = directory / "rotv.toml",
                         .source = {},
                         .home = directory.path(),
                         .directory = directory.path(),
                         .environment = {{"HOME", directory.path()}}});
    for (const std::string& name : config.ConfiguredSources()) found += name + "\n";
    (void)config.Drift();
    (void)config.SeedCompression();
    for (const SourceConfig& source : config.Sources()) {
      found += source.name + "|" + source.ssh + "|" + source.host + "|" + source.database + "|" + source.user + "|" +
               std::to_string(source.port) + "|" + source.url + "|" + std::to_string(source.history.keep_days) + "\n";
      for (const std::string& excluded : source.exclude) found += "exclude " + excluded + "\n";
      for (const MaskRule& rule : source.mask.rules) found += mask::RuleLine(rule.pattern, rule) + "\n";
    }
    found += config.App().directory.string();
  } catch (const Error& error) {
    FuzzCheck(error.code() == ErrorCode::kUsage);
    FuzzCheck(*error.what() != '\0');
    found += std::string("error: ") + error.what() + " " + error.hint();
  }
  return found;
}

void CheckConfig(std::string_view text) {
  static const FuzzDirectory directory;
  const std::string found = Read(directory, text);
  FuzzCheck(Read(directory, text) == found);
  if (found.find("error: ") != std::string::npos) return;
  FuzzCheck(Read(directory, std::string(text) + "\n# the end\n") == found);
  const std::string with_password =
      Read(directory, std::string(text) + "\n[sources.fuzzed]\nhost = \"h\"\npassword = \"correct horse\"\n");
  FuzzCheck(with_password.find("error: ") != std::string::npos);
  FuzzCheck(with_password.find("correct horse") == std::string::npos);
}

}  // namespace
}  // namespace rotv::config

ROTV_FUZZ_TARGET(config, rotv::config::CheckConfig)
