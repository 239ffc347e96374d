#include "sync/link/ssh_settings.h"

#include <fcntl.h>
#include <pwd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <map>
#include <string_view>

#include "fmt/format.h"
#include "os/local_command.h"
#include "os/process_environment.h"
#include "os/run_program.h"
#include "storage/error.h"
#include "storage/handle.h"
#include "storage/write_all.h"
#include "sync/link/known_hosts.h"

namespace rotv::link {
namespace {

namespace fs = std::filesystem;

constexpr const char* kSystemConfig = "/etc/ssh/ssh_config";

std::string Home() { return os::TakenVariable("HOME"); }

std::string HomeOfUser() {
  const passwd* entry = getpwuid(getuid());
  return entry == nullptr ? "" : entry->pw_dir;
}

std::string UserConfig() { return Home() + "/.ssh/config"; }

bool HasConfiguration() {
  std::error_code ignored;
  return fs::exists(UserConfig(), ignored) || fs::exists(kSystemConfig, ignored);
}

SshSettings Defaults() {
  SshSettings settings;
  settings.host_key_algorithms = {"ssh-ed25519",         "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384",
                                  "ecdsa-sha2-nistp521", "rsa-sha2-512",        "rsa-sha2-256"};
  for (const char* name : {"known_hosts", "known_hosts2"}) {
    settings.user_known_hosts.push_back(Home() + "/.ssh/" + name);
    settings.global_known_hosts.push_back(std::string("/etc/ssh/ssh_") + name);
  }
  for (const char* name : {"id_ed25519", "id_ecdsa", "id_rsa"}) {
    settings.identity_files.push_back(Home() + "/.ssh/" + name);
  }
  return settings;
}

// Makes a configuration that includes both files, readable under path() for the object's lifetime. ssh takes the home
// directory from the user database; with another HOME it must be told where the files are. The user's file is named by
// its descriptor, since a path may have characters that Include cannot quote.
class JoinedConfig {
 public:
  JoinedConfig()
      : users_(open(UserConfig().c_str(), O_RDONLY | O_CLOEXEC)), file_(memfd_create("ssh_config", MFD_CLOEXEC)) {
    if (!users_ && errno != ENOENT && errno != ENOTDIR) Fail();
    const std::string include = users_ ? fmt::format("Include {}\n", PathOf(users_)) : "";
    const std::string text = fmt::format("{}Match all\nInclude {}\n", include, kSystemConfig);
    if (!file_ || WriteAll(file_.get(), text) != 0) Fail();
  }
  std::string path() const { return PathOf(file_); }

 private:
  static std::string PathOf(const FileDescriptor& file) { return fmt::format("/proc/{}/fd/{}", getpid(), file.get()); }

  [[noreturn]] static void Fail() {
    throw Error(ErrorCode::kCannotStart,
                fmt::format("cannot hand ~/.ssh/config over to ssh: {}", std::strerror(errno)));
  }

  FileDescriptor users_;
  FileDescriptor file_;
};

// The output of `ssh -G`; empty if there is neither an ssh nor a configuration.
std::string AskSsh(const SshTarget& target, const Interrupt& interrupt) {
  os::ProgramCall command;
  command.argv = {"ssh", "-G"};
  const JoinedConfig joined;
  if (Home() != HomeOfUser()) command.argv.insert(command.argv.end(), {"-F", joined.path()});
  if (target.port != 0) command.argv.insert(command.argv.end(), {"-p", std::to_string(target.port)});
  if (!target.user.empty()) command.argv.insert(command.argv.end(), {"-l", target.user});
  command.argv.insert(command.argv.end(), {"--", target.host});
  std::string text;
  const os::CommandResult result = os::RunLocalCommand(
      command, [&](std::string_view piece) { text.append(piece); }, interrupt);
  if (result.exit_status == 127) {
    if (!HasConfiguration()) return "";
    throw Error(ErrorCode::kCannotStart, "there is an ssh configuration, but no ssh program that reads it",
                "install OpenSSH's client (apt-get install openssh-client, or the like)");
  }
  if (result.exit_status != 0) {
    throw Error(ErrorCode::kUsage,
                fmt::format("ssh cannot read its configuration: {}", os::LastLine(result.stderr_text)),
                fmt::format("correct it until this works: ssh -G {}", target.host));
  }
  return text;
}

// Expands the tokens of ssh_config(5) that may be in the name of a file. A name with other tokens matches no file.
std::string Expanded(std::string_view path, const std::map<char, std::string>& tokens) {
  std::string text;
  for (size_t i = 0; i < path.size(); ++i) {
    const auto token = path[i] == '%' && i + 1 < path.size() ? tokens.find(path[i + 1]) : tokens.end();
    if (token == tokens.end()) {
      text += path[i];
    } else {
      text += token->second;
      ++i;
    }
  }
  return ExpandHome(text);
}

std::vector<std::string> SplitAtCommas(std::string_view text) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const size_t comma = std::min(text.find(','), text.size());
    parts.emplace_back(text.substr(0, comma));
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return parts;
}

using Lines = std::multimap<std::string, std::string, std::less<>>;

Lines LinesByKeyword(std::string_view text) {
  Lines lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const size_t blank = std::min(line.find(' '), line.size());
    lines.emplace(line.substr(0, blank), line.substr(std::min(blank + 1, line.size())));
  }
  return lines;
}

std::string ValueOf(const Lines& lines, std::string_view keyword) {
  const auto found = lines.find(keyword);
  return found == lines.end() || found->second == "none" ? "" : found->second;
}

// Moves a default file below HOME: ssh prints its default files below the home directory of the user database.
std::string BelowHome(const std::string& path) {
  const std::string prefix = HomeOfUser() + "/.ssh/known_hosts";
  return path == prefix || path == prefix + "2" ? Home() + path.substr(HomeOfUser().size()) : path;
}

SshSettings Parse(std::string_view text, const SshTarget& target) {
  const Lines lines = LinesByKeyword(text);
  if (const std::string program = ValueOf(lines, "knownhostscommand"); !program.empty()) {
    throw Error(
        ErrorCode::kRefused,
        fmt::format("host keys of {} are known to a program only (KnownHostsCommand), which is not supported",
                    target.host),
        fmt::format("put the host's key into a file, and under Host {} of ~/.ssh/config: KnownHostsCommand none",
                    target.host));
  }
  const passwd* entry = getpwuid(getuid());
  const std::map<char, std::string> tokens = {{'%', "%"},
                                              {'d', Home()},
                                              {'h', ValueOf(lines, "hostname")},
                                              {'n', target.host},
                                              {'p', ValueOf(lines, "port")},
                                              {'r', ValueOf(lines, "user")},
                                              {'u', entry == nullptr ? "" : entry->pw_name}};
  SshSettings settings;
  settings.host_key_alias = ValueOf(lines, "hostkeyalias");
  settings.revoked_host_keys = Expanded(ValueOf(lines, "revokedhostkeys"), tokens);
  settings.host_key_algorithms = SplitAtCommas(ValueOf(lines, "hostkeyalgorithms"));
  const std::string user_files = ValueOf(lines, "userknownhostsfile");
  for (const std::string_view file : WordsOf(user_files)) {
    settings.user_known_hosts.push_back(BelowHome(Expanded(file, tokens)));
  }
  const std::string global_files = ValueOf(lines, "globalknownhostsfile");
  for (const std::string_view file : WordsOf(global_files)) {
    settings.global_known_hosts.push_back(Expanded(file, tokens));
  }
  const auto [first, last] = lines.equal_range("identityfile");
  for (auto line = first; line != last; ++line) settings.identity_files.push_back(Expanded(line->second, tokens));
  return settings;
}

}  // namespace

SshSettings ReadSshSettings(const SshTarget& target, const Interrupt& interrupt) {
  const std::string text = AskSsh(target, interrupt);
  return text.empty() ? Defaults() : Parse(text, target);
}

std::string ExpandHome(const std::string& path) {
  return path.starts_with("~/") && !Home().empty() ? Home() + path.substr(1) : path;
}

}  // namespace rotv::link
