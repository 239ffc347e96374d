#include "cli/config/hook_section.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>
#include <string_view>

#include "storage/error.h"

namespace rotv::config {
namespace {

constexpr int64_t kLongestHook = 86400;

// No shell runs a hook: nobody has to know how a shell quotes, and what a script needs of one it can say itself.
std::vector<std::string> ReadCommand(const toml::key& key, const toml::node& node, const ConfigValues& values) {
  if (node.is_string()) {
    values.Fail(
        key.source(), fmt::format("\"{}\" is a string, and no shell runs it", key.str()),
        fmt::format("write each word by itself: {0} = [\"/usr/local/bin/notify\", \"--quiet\"]; for a shell: {0} = "
                    "[\"sh\", \"-c\", \"…\"]",
                    key.str()));
  }
  std::vector<std::string> words = values.Texts(key, node, "[\"/usr/local/bin/notify\", \"--quiet\"]");
  if (words.empty() || words.front().empty()) {
    values.Fail(key.source(), fmt::format("\"{}\" names no program", key.str()),
                fmt::format("leave it out, or fill it in: {} = [\"/usr/local/bin/notify\"]", key.str()));
  }
  for (const std::string& word : words) {
    if (word.find('\0') == std::string::npos) continue;
    values.Fail(key.source(), fmt::format("\"{}\" has a zero byte", key.str()),
                "no argument of a program can have one");
  }
  std::string& program = words.front();
  // Absolute: "./notify" beside a file in the working directory would else be left without its slash, and be looked for
  // in PATH.
  if (program.starts_with('~') || program.find('/') != std::string::npos) {
    program = std::filesystem::absolute(values.PathOf(program));
  }
  return words;
}

bool IsUrlCharacter(char c) {
  return c > ' ' && c < '\x7f' && std::string_view("\"<>\\^`").find(c) == std::string::npos;
}

std::string ReadPing(const toml::key& key, const toml::node& node, const ConfigValues& values) {
  std::string url = values.Text(key, node);
  const size_t scheme = url.starts_with("https://") ? 8 : url.starts_with("http://") ? 7 : 0;
  const std::string host = scheme == 0 ? "" : url.substr(scheme, url.find_first_of("/?#", scheme) - scheme);
  if (host.empty() || !std::all_of(url.begin(), url.end(), IsUrlCharacter)) {
    values.Fail(key.source(), "\"ping\" is not a URL", "expected \"https://hc-ping.com/UUID\"");
  }
  if (host.find('@') != std::string::npos) {
    values.Fail(key.source(), "\"ping\" has a login in it", "passwords are not kept in this file");
  }
  return url;
}

int ReadTimeLimit(const toml::key& key, const toml::node& node, const ConfigValues& values) {
  const std::optional<int64_t> seconds = node.value_exact<int64_t>();
  if (!seconds || *seconds < 1 || *seconds > kLongestHook) {
    values.FailOnType(key, node, fmt::format("a number of seconds from 1 to {}: 300", kLongestHook));
  }
  return static_cast<int>(*seconds);
}

}  // namespace

HookConfig ReadHookSection(const toml::table& table, const ConfigValues& values) {
  HookConfig config;
  for (const auto& [key, node] : table) {
    if (key.str() == "after_pull") {
      config.after_pull = ReadCommand(key, node, values);
    } else if (key.str() == "after_publish") {
      config.after_publish = ReadCommand(key, node, values);
    } else if (key.str() == "on_failure") {
      config.on_failure = ReadCommand(key, node, values);
    } else if (key.str() == "ping") {
      config.ping = ReadPing(key, node, values);
    } else if (key.str() == "time_limit") {
      config.time_limit_s = ReadTimeLimit(key, node, values);
    } else {
      values.FailOnUnknown(key, "[hooks]", {"after_pull", "after_publish", "on_failure", "ping", "time_limit"});
    }
  }
  return config;
}

void RequireOwnHooks(const HookConfig& hooks) {
  if (hooks.empty()) return;
  struct stat status;
  if (stat(hooks.file.c_str(), &status) != 0) {
    throw Error(ErrorCode::kUsage, fmt::format("cannot look at {}: {}", hooks.file.native(), std::strerror(errno)),
                "[hooks] is only heeded in a file whose owner can be told");
  }
  if (status.st_uid != geteuid() && status.st_uid != 0) {
    throw Error(ErrorCode::kUsage, fmt::format("{} has [hooks], and belongs to another user", hooks.file.native()),
                "its hooks would run with your rights: if you trust them, make the file yours");
  }
  if ((status.st_mode & S_IWOTH) != 0) {
    throw Error(ErrorCode::kUsage, fmt::format("{} has [hooks], and everybody can write it", hooks.file.native()),
                fmt::format("chmod o-w '{}'", hooks.file.native()));
  }
}

}  // namespace rotv::config
