#include "sync/ssh_host_key.h"

#include <memory>

#include "fmt/format.h"
#include "storage/error.h"
#include "sync/shell_quote.h"

namespace rotv {
namespace {

// As known_hosts names a place: "[host]:port", or only the host on port 22.
std::string KnownHostsName(const SshTarget& target) {
  return target.port == 0 || target.port == 22 ? target.host : fmt::format("[{}]:{}", target.host, target.port);
}

std::string KeyLine(ssh_session session) {
  char* line = nullptr;
  if (ssh_session_export_known_hosts_entry(session, &line) != SSH_OK || line == nullptr) return "";
  std::string text = line;
  ssh_string_free_char(line);
  while (text.ends_with('\n') || text.ends_with(' ')) text.pop_back();
  return text;
}

std::string Fingerprint(ssh_session session) {
  ssh_key raw_key = nullptr;
  if (ssh_get_server_publickey(session, &raw_key) != SSH_OK) return "unknown";
  const std::unique_ptr<ssh_key_struct, decltype(&ssh_key_free)> key(raw_key, ssh_key_free);
  unsigned char* hash = nullptr;
  size_t length = 0;
  if (ssh_get_publickey_hash(key.get(), SSH_PUBLICKEY_HASH_SHA256, &hash, &length) != SSH_OK) return "unknown";
  char* text = ssh_get_fingerprint_hash(SSH_PUBLICKEY_HASH_SHA256, hash, length);
  ssh_clean_pubkey_hash(&hash);
  std::string fingerprint = text != nullptr ? text : "unknown";
  ssh_string_free_char(text);
  return fingerprint;
}

std::string KnownHostsFile(ssh_session session, const std::string& configured) {
  if (!configured.empty()) return configured;
  char* value = nullptr;
  if (ssh_options_get(session, SSH_OPTIONS_KNOWNHOSTS, &value) != SSH_OK || value == nullptr) {
    return "~/.ssh/known_hosts";
  }
  std::string file = value;
  ssh_string_free_char(value);
  return file;
}

}  // namespace

void CheckHostKey(ssh_session session, const SshTarget& target, const std::string& known_hosts) {
  const std::string file = KnownHostsFile(session, known_hosts);
  const std::string name = KnownHostsName(target);
  switch (ssh_session_is_known_server(session)) {
    case SSH_KNOWN_HOSTS_OK:
      return;
    case SSH_KNOWN_HOSTS_CHANGED:
      throw Error(ErrorCode::kRefused,
                  fmt::format("THE HOST KEY OF {} HAS CHANGED: it is now {}. Somebody may be listening in", name,
                              Fingerprint(session)),
                  fmt::format("ask who runs the host. Only if the change is theirs: ssh-keygen -R {} -f {}, then add "
                              "this line: {}",
                              ShellQuote(name), file, KeyLine(session)));
    case SSH_KNOWN_HOSTS_ERROR:
      throw Error(ErrorCode::kRefused,
                  fmt::format("the host key of {} cannot be checked: {}", name, ssh_get_error(session)),
                  fmt::format("can {} be read?", file));
    case SSH_KNOWN_HOSTS_OTHER:  // Known by a key of another type only.
    case SSH_KNOWN_HOSTS_UNKNOWN:
    case SSH_KNOWN_HOSTS_NOT_FOUND:
      break;
  }
  throw Error(ErrorCode::kRefused,
              fmt::format("the host key of {} is not known; its fingerprint is {}", name, Fingerprint(session)),
              fmt::format("compare the fingerprint with the host's own (there: ssh-keygen -lf "
                          "/etc/ssh/ssh_host_ed25519_key.pub); if it is the same, add this line to {}: {}",
                          file, KeyLine(session)));
}

}  // namespace rotv
