#include "sync/context/source_address.h"

#include <libssh/libssh.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cstdlib>
#include <memory>

#include "storage/ascii_case.h"
#include "storage/error.h"
#include "sync/context/conninfo.h"
#include "sync/context/ssh_target.h"

namespace rotv {
namespace {

bool IsLoopback(std::string_view host) {
  return host == "localhost" || host == "::1" || host.starts_with("127.") || host.ends_with(".localhost");
}

void Add(std::vector<SourceAddress>& addresses, std::string_view host, int port) {
  if (host.empty() || host.starts_with('/') || host.starts_with('@')) return;  // '@': an abstract socket.
  SourceAddress address{AsciiLower(host), 0};
  if (IsLoopback(address.host)) address.port = port;
  addresses.push_back(std::move(address));
}

// The HostName that ~/.ssh/config has for the host; the host itself if it has none.
std::string HostNameOf(const std::string& host, const std::string& home) {
  std::unique_ptr<ssh_session_struct, decltype(&ssh_free)> session(ssh_new(), &ssh_free);
  if (session == nullptr || ssh_options_set(session.get(), SSH_OPTIONS_HOST, host.c_str()) != SSH_OK) return host;
  if (!home.empty()) {
    ssh_options_set(session.get(), SSH_OPTIONS_SSH_DIR, (home + "/.ssh").c_str());
  }
  char* value = nullptr;
  if (ssh_options_parse_config(session.get(), nullptr) != SSH_OK ||
      ssh_options_get(session.get(), SSH_OPTIONS_HOST, &value) != SSH_OK) {
    return host;
  }
  std::string name = value;
  ssh_string_free_char(value);
  return name;
}

std::vector<std::string_view> SplitAtCommas(std::string_view text) {
  std::vector<std::string_view> parts;
  while (true) {
    size_t comma = text.find(',');
    parts.push_back(text.substr(0, comma));
    if (comma == std::string_view::npos) return parts;
    text.remove_prefix(comma + 1);
  }
}

void AddUrl(std::vector<SourceAddress>& addresses, const std::string& url) {
  const Conninfo options = ParseConninfo(url);
  const std::string port_list = ValueOf(options, "port");
  std::vector<std::string_view> ports = SplitAtCommas(port_list);
  for (const char* keyword : {"host", "hostaddr"}) {
    const std::string host_list = ValueOf(options, keyword);
    std::vector<std::string_view> hosts = SplitAtCommas(host_list);
    for (size_t i = 0; i < hosts.size(); ++i) {
      std::string_view text = ports[ports.size() == hosts.size() ? i : 0];
      int port = 5432;
      std::from_chars(text.data(), text.data() + text.size(), port);
      Add(addresses, hosts[i], port);
    }
  }
}

bool IsHostCharacter(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_' || c == '.';
}

// True if `lower` contains one of `names` as a key, followed by an equals sign.
bool HasKey(std::string_view lower, std::initializer_list<std::string_view> names) {
  return std::any_of(names.begin(), names.end(), [&](std::string_view name) {
    for (size_t at = lower.find(name); at != std::string_view::npos; at = lower.find(name, at + 1)) {
      size_t end = lower.find_first_not_of(' ', at + name.size());
      bool starts = at == 0 || lower[at - 1] == ';' || lower[at - 1] == ' ' || lower[at - 1] == '"';
      if (starts && end != std::string_view::npos && lower[end] == '=') return true;
    }
    return false;
  });
}

// True if a URL scheme of PostgreSQL is anywhere in the text: "postgres:", "postgresql+psycopg:", "postgis:", "pgsql:",
// "jdbc:postgresql:".
bool HasPostgresScheme(std::string_view lower) {
  constexpr std::array<std::string_view, 5> kSchemes = {"postgresql", "postgres", "postgis", "pgsql", "cockroachdb"};
  for (std::string_view scheme : kSchemes) {
    for (size_t at = lower.find(scheme); at != std::string_view::npos; at = lower.find(scheme, at + 1)) {
      if (at > 0 && IsHostCharacter(lower[at - 1])) continue;
      size_t end = at + scheme.size();
      if (end < lower.size() && (lower[end] == '+' || lower[end] == '-')) {
        while (++end < lower.size() && IsHostCharacter(lower[end])) {
        }
      }
      std::string_view rest = lower.substr(std::min(end, lower.size()));
      if (rest.starts_with("://")) return true;
      if (rest.starts_with(":") && (scheme == "pgsql" || (at >= 5 && lower.substr(at - 5, 5) == "jdbc:"))) return true;
    }
  }
  return false;
}

}  // namespace

std::vector<SourceAddress> AddressesOf(const SourceConfig& source, const std::string& home) {
  std::vector<SourceAddress> addresses;
  if (!source.ssh.empty()) {
    try {
      SshTarget target = ParseSshTarget(source.ssh);
      int port = target.port == 0 ? 22 : target.port;
      Add(addresses, target.host, port);
      if (std::string name = HostNameOf(target.host, home); AsciiLower(name) != AsciiLower(target.host))
        Add(addresses, name, port);
    } catch (const Error&) {
      // The error is reported where the source is used.
    }
    // `host` is seen from the remote host: a loopback name there is not this machine.
    if (!IsLoopback(AsciiLower(source.host))) Add(addresses, source.host, source.port);
  } else if (!source.url.empty()) {
    AddUrl(addresses, source.url);
  } else {
    Add(addresses, source.host, source.port);
  }
  return addresses;
}

bool NamesPostgresServer(std::string_view value) {
  const std::string lower = AsciiLower(value);
  if (HasPostgresScheme(lower)) return true;
  if (lower.find('=') == std::string::npos) return false;
  const Conninfo options = ParseConninfo(std::string(value));
  for (const char* keyword : {"host", "hostaddr", "service"}) {
    if (!ValueOf(options, keyword).empty()) return true;
  }
  return HasKey(lower, {"host", "server", "data source"}) && HasKey(lower, {"database", "dbname", "initial catalog"});
}

bool NamesHost(std::string_view value, const SourceAddress& address) {
  const std::string lower = AsciiLower(value);
  const std::string& host = address.host;
  const bool word = host.find_first_of(".:") == std::string::npos;  // It may be an ordinary word.
  for (size_t at = lower.find(host); at != std::string::npos; at = lower.find(host, at + 1)) {
    size_t end = at + host.size();
    if (at > 0 && IsHostCharacter(lower[at - 1])) continue;
    if (end < lower.size() && lower[end] == '.' && (end + 1 == lower.size() || !IsHostCharacter(lower[end + 1]))) ++end;
    if (end < lower.size() && IsHostCharacter(lower[end])) continue;
    if (end < lower.size() && lower[end] == ']') ++end;
    int port = 0;
    if (end < lower.size() && lower[end] == ':') {
      std::from_chars(lower.data() + end + 1, lower.data() + lower.size(), port);
    }
    if (address.port != 0) {
      if (port == address.port) return true;
      continue;
    }
    const bool in_address = at > 0 && (lower[at - 1] == '/' || lower[at - 1] == '@' || lower[at - 1] == '=');
    if (!word || port != 0 || in_address) return true;
  }
  return false;
}

}  // namespace rotv
