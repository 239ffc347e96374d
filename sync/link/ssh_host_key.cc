#include "sync/link/ssh_host_key.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string_view>
#include <vector>

#include "fmt/format.h"
#include "fmt/ranges.h"
#include "os/shell_quote.h"
#include "storage/atomic_file.h"
#include "storage/error.h"
#include "sync/link/known_hosts.h"
#include "sync/link/revoked_keys.h"

// Invariant: a host is trusted only if OpenSSH's client would trust it. libssh's own check cannot promise that: it
// reads known_hosts without markers, and knows one file. So the files are those that `ssh -G` names, their lines are
// matched here, and revocation lists are a question for ssh-keygen. Whatever cannot be read or decided is a refusal,
// since nothing that follows is safe without it. This is stricter than OpenSSH in two points: host certificates are not
// supported, and StrictHostKeyChecking cannot turn the check off. A test asks OpenSSH's client about each case.

namespace rotv::link {
namespace {

using Kind = KnownHostLine::Kind;

struct HostKey {
  std::string type;
  std::string base64;
  std::string fingerprint;
};

HostKey KeyOf(ssh_session session) {
  const Error unreadable(ErrorCode::kRefused, "the host has a key that libssh does not understand", "");
  ssh_key raw_key = nullptr;
  if (ssh_get_server_publickey(session, &raw_key) != SSH_OK) throw unreadable;
  const std::unique_ptr<ssh_key_struct, decltype(&ssh_key_free)> key(raw_key, ssh_key_free);
  char* base64 = nullptr;
  if (ssh_pki_export_pubkey_base64(key.get(), &base64) != SSH_OK) throw unreadable;
  HostKey found{ssh_key_type_to_char(ssh_key_type(key.get())), base64, "unknown"};
  ssh_string_free_char(base64);
  unsigned char* hash = nullptr;
  size_t length = 0;
  if (ssh_get_publickey_hash(key.get(), SSH_PUBLICKEY_HASH_SHA256, &hash, &length) != SSH_OK) return found;
  char* text = ssh_get_fingerprint_hash(SSH_PUBLICKEY_HASH_SHA256, hash, length);
  ssh_clean_pubkey_hash(&hash);
  if (text != nullptr) found.fingerprint = text;
  ssh_string_free_char(text);
  return found;
}

std::vector<KnownHostLine> KnownLines(const HostKeyPlace& place, const std::string& name) {
  std::vector<KnownHostLine> lines;
  for (const std::string& file : place.files) {
    if (std::error_code error; !std::filesystem::exists(file, error) && !error) continue;
    try {
      const std::vector<KnownHostLine> found = LinesAbout(name, ReadFile(file), file);
      lines.insert(lines.end(), found.begin(), found.end());
    } catch (const Error& error) {
      throw Error(ErrorCode::kRefused,
                  fmt::format("the host key of {} cannot be checked: {}", place.name, error.what()),
                  fmt::format("make {} readable for you, or leave it out of the configuration", file));
    }
  }
  return lines;
}

// The key type of a signature algorithm: "rsa-sha2-512" signs with a key of type "ssh-rsa".
std::string_view KeyTypeOf(std::string_view algorithm) {
  return algorithm.starts_with("rsa-sha2-") ? "ssh-rsa" : algorithm;
}

[[noreturn]] void ThrowRevoked(const HostKeyPlace& place, const HostKey& key, const std::string& where) {
  throw Error(ErrorCode::kRefused,
              fmt::format("THE HOST KEY OF {} IS REVOKED by {}: {}. Someone may be listening in", place.name, where,
                          key.fingerprint),
              "ask the host's administrator for its new key; do not accept this one");
}

[[noreturn]] void ThrowChanged(const HostKeyPlace& place, const HostKey& key, const std::string& file) {
  throw Error(ErrorCode::kRefused,
              fmt::format("THE HOST KEY OF {} HAS CHANGED: it is now {}. Someone may be listening in", place.name,
                          key.fingerprint),
              fmt::format("ask the host's administrator. Only if they changed it: ssh-keygen -R {} -f {}, then add "
                          "this line: {} {} {}",
                          os::ShellQuote(place.name), file, place.name, key.type, key.base64));
}

[[noreturn]] void ThrowUnknownKey(const HostKeyPlace& place, const HostKey& key, const KnownHostLine* authority) {
  const std::string why =
      authority == nullptr
          ? "is not known"
          : fmt::format(
                "is vouched for by a certificate authority only (in {}), and host certificates are not "
                "supported here",
                authority->file);
  throw Error(ErrorCode::kRefused,
              fmt::format("the host key of {} {}; its fingerprint is {}", place.name, why, key.fingerprint),
              fmt::format("compare the fingerprint with the host's own (there: ssh-keygen -lf "
                          "/etc/ssh/ssh_host_ed25519_key.pub); if it is the same, add this line to {}: {} {} {}",
                          place.file_to_add_to, place.name, key.type, key.base64));
}

template <class Fits>
const KnownHostLine* FindLine(const std::vector<KnownHostLine>& lines, Kind kind, Fits fits) {
  const auto found = std::find_if(lines.begin(), lines.end(),
                                  [&](const KnownHostLine& line) { return line.kind == kind && fits(line); });
  return found == lines.end() ? nullptr : &*found;
}

// True if one of the lines has the key. Throws if one of them revokes it.
bool IsAccepted(const HostKeyPlace& place, const HostKey& key, const std::vector<KnownHostLine>& lines) {
  const auto is_it = [&](const KnownHostLine& line) { return line.type == key.type && line.key == key.base64; };
  if (const KnownHostLine* revoked = FindLine(lines, Kind::kRevoked, is_it)) ThrowRevoked(place, key, revoked->file);
  return FindLine(lines, Kind::kKey, is_it) != nullptr;
}

}  // namespace

HostKeyPlace PlaceOf(const SshTarget& target, const SshSettings& settings, const std::string& known_hosts) {
  HostKeyPlace place;
  const bool usual_port = target.port == 0 || target.port == 22;
  place.name = usual_port ? target.host : fmt::format("[{}]:{}", target.host, target.port);
  if (!usual_port) place.name_without_port = target.host;
  if (!settings.host_key_alias.empty()) {
    place.name = settings.host_key_alias;
    place.name_without_port.clear();
  }
  place.files = known_hosts.empty() ? settings.user_known_hosts : std::vector{ExpandHome(known_hosts)};
  place.file_to_add_to = place.files.empty() ? "~/.ssh/known_hosts" : place.files.front();
  place.files.insert(place.files.end(), settings.global_known_hosts.begin(), settings.global_known_hosts.end());
  place.revoked_keys = settings.revoked_host_keys;
  return place;
}

void PreferKnownKeys(ssh_session session, const HostKeyPlace& place, const SshSettings& settings) {
  std::vector<std::string> algorithms = settings.host_key_algorithms;
  std::erase_if(algorithms, [](const std::string& name) { return name.find("-cert-") != std::string::npos; });
  const std::vector<KnownHostLine> lines = KnownLines(place, place.name);
  std::stable_partition(algorithms.begin(), algorithms.end(), [&](const std::string& algorithm) {
    return std::any_of(lines.begin(), lines.end(), [&](const KnownHostLine& line) {
      return line.kind == Kind::kKey && line.type == KeyTypeOf(algorithm);
    });
  });
  // libssh ignores names that it does not know; if none remains, its own list stays in force.
  ssh_options_set(session, SSH_OPTIONS_HOSTKEYS, fmt::format("{}", fmt::join(algorithms, ",")).c_str());
  // Otherwise libssh would put key types first that it has read there under another name.
  ssh_options_set(session, SSH_OPTIONS_KNOWNHOSTS, "/dev/null");
  ssh_options_set(session, SSH_OPTIONS_GLOBAL_KNOWNHOSTS, "/dev/null");
}

void CheckHostKey(ssh_session session, const HostKeyPlace& place, const Interrupt& interrupt) {
  const HostKey key = KeyOf(session);
  if (!place.revoked_keys.empty() && IsRevoked(key.type + " " + key.base64, place.revoked_keys, interrupt)) {
    ThrowRevoked(place, key, place.revoked_keys);
  }
  const std::vector<KnownHostLine> lines = KnownLines(place, place.name);
  if (IsAccepted(place, key, lines)) return;
  const auto other = FindLine(lines, Kind::kKey, [&](const KnownHostLine& line) { return line.type == key.type; });
  if (other != nullptr) ThrowChanged(place, key, other->file);
  if (!place.name_without_port.empty() && IsAccepted(place, key, KnownLines(place, place.name_without_port))) return;
  ThrowUnknownKey(place, key, FindLine(lines, Kind::kAuthority, [](const KnownHostLine&) { return true; }));
}

}  // namespace rotv::link
