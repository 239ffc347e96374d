#include "sync/link/revoked_keys.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "fmt/format.h"
#include "os/local_command.h"
#include "storage/atomic_file.h"
#include "storage/error.h"
#include "storage/handle.h"
#include "storage/write_all.h"
#include "sync/link/known_hosts.h"

namespace rotv::link {
namespace {

constexpr std::string_view kListMagic("SSHKRL\n\0", 8);  // OpenSSH's PROTOCOL.krl.

[[noreturn]] void ThrowUncheckable(const std::string& file, const std::string& why) {
  throw Error(ErrorCode::kRefused,
              fmt::format("no host key can be accepted, because {} cannot be checked for revoked keys: {}", file, why),
              "correct RevokedHostKeys in ~/.ssh/config or /etc/ssh/ssh_config, or the file that it names");
}

std::string Content(const std::string& file) {
  try {
    return ReadFile(file);
  } catch (const Error& error) {
    ThrowUncheckable(file, error.what());
  }
}

bool ListRevokes(const std::string& file, const std::string& key_line, const Interrupt& interrupt) {
  const FileDescriptor key(memfd_create("host_key.pub", MFD_CLOEXEC));
  if (!key || WriteAll(key.get(), key_line) != 0) {
    ThrowUncheckable(file, "the key cannot be handed over to ssh-keygen");
  }
  os::ProgramCall command;
  command.argv = {"ssh-keygen", "-Q", "-f", file, fmt::format("/proc/{}/fd/{}", getpid(), key.get())};
  std::string text;
  const os::CommandResult result = os::RunLocalCommand(
      command, [&](std::string_view piece) { text.append(piece); }, interrupt);
  if (result.exit_status == 0) return false;
  if (text.find("REVOKED") != std::string::npos) return true;
  ThrowUncheckable(file, fmt::format("ssh-keygen -Q ended with {}: {}", result.exit_status, result.stderr_text));
}

}  // namespace

bool IsRevoked(const std::string& key_line, const std::string& file, const Interrupt& interrupt) {
  const std::string content = Content(file);
  if (std::string_view(content).starts_with(kListMagic)) return ListRevokes(file, key_line, interrupt);
  const std::vector<std::string_view> key = WordsOf(key_line);
  std::string_view rest = content;
  while (!rest.empty()) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    const std::vector<std::string_view> words = WordsOf(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (words.empty() || words[0].starts_with('#')) continue;
    if (words.size() < 2) ThrowUncheckable(file, "it holds a line that is no public key");
    if (words[0] == key[0] && words[1] == key[1]) return true;
  }
  return false;
}

}  // namespace rotv::link
