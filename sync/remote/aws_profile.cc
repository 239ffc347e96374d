#include "sync/remote/aws_profile.h"

#include <fmt/format.h>

#include <filesystem>
#include <optional>

#include "os/text_file.h"
#include "storage/error.h"
#include "storage/trimmed.h"

namespace rotv::remote {
namespace {

namespace fs = std::filesystem;

fs::path FileOf(const os::Environment& environment, const std::string& variable, const char* usual) {
  const std::string named = os::Variable(environment, variable);
  const std::string home = os::Variable(environment, "HOME");
  if (named.starts_with("~/")) return fs::path(home) / named.substr(2);
  return named.empty() ? fs::path(home) / ".aws" / usual : fs::path(named);
}

}  // namespace

bool AddSection(std::string_view text, std::string_view section, AwsProfile* profile) {
  bool is_there = false;
  bool is_inside = false;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    const std::string_view content = Trimmed(line);
    if (content.empty() || content.front() == '#' || content.front() == ';') continue;
    if (content.front() == '[') {
      is_inside = Trimmed(content.substr(1, content.find(']') - 1)) == section;
      is_there = is_there || is_inside;
      continue;
    }
    // What is indented belongs to the setting before it, none of which is needed.
    const size_t equals = content.find('=');
    if (!is_inside || equals == std::string_view::npos || line.front() == ' ' || line.front() == '\t') continue;
    profile->emplace(Trimmed(content.substr(0, equals)), Trimmed(content.substr(equals + 1)));
  }
  return is_there;
}

AwsProfile ReadAwsProfile(const os::Environment& environment) {
  const std::string asked = os::Variable(environment, "AWS_PROFILE");
  const std::string name = asked.empty() ? "default" : asked;
  const fs::path credentials = FileOf(environment, "AWS_SHARED_CREDENTIALS_FILE", "credentials");
  const fs::path config = FileOf(environment, "AWS_CONFIG_FILE", "config");
  AwsProfile profile;
  bool is_there = AddSection(os::ReadTextFile(credentials).value_or(""), name, &profile);
  const std::string text = os::ReadTextFile(config).value_or("");
  is_there = AddSection(text, "profile " + name, &profile) || is_there;
  if (name == "default") is_there = AddSection(text, name, &profile) || is_there;
  if (!is_there && !asked.empty()) {
    throw Error(
        ErrorCode::kUsage,
        fmt::format("AWS_PROFILE is \"{}\", which neither {} nor {} has", asked, credentials.native(), config.native()),
        "correct it, or make the profile: aws configure --profile NAME");
  }
  return profile;
}

}  // namespace rotv::remote
