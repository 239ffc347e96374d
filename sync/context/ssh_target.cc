#include "sync/context/ssh_target.h"

#include <algorithm>
#include <charconv>

#include "fmt/format.h"
#include "storage/error.h"

namespace rotv {
namespace {

Error BadTarget(std::string_view text, std::string_view why) {
  return Error(ErrorCode::kUsage, fmt::format("ssh = \"{}\" is not a place to log in to: {}", text, why),
               "write user@host, user@host:port, user@[ipv6]:port, or a Host of ~/.ssh/config");
}

int ParsePort(std::string_view digits, std::string_view text) {
  int port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc() || end != digits.data() + digits.size() || port < 1 || port > 65535) {
    throw BadTarget(text, fmt::format("\"{}\" is not a port", digits));
  }
  return port;
}

void ParseBracketed(std::string_view rest, std::string_view text, SshTarget& target) {
  const size_t close = rest.find(']');
  if (close == std::string_view::npos) throw BadTarget(text, "the bracket is not closed");
  target.host = rest.substr(1, close - 1);
  rest.remove_prefix(close + 1);
  if (rest.empty()) return;
  if (rest.front() != ':') throw BadTarget(text, "only :port may follow the bracket");
  target.port = ParsePort(rest.substr(1), text);
}

void ParsePlain(std::string_view rest, std::string_view text, SshTarget& target) {
  const size_t colon = rest.find(':');
  if (colon != std::string_view::npos && rest.find(':', colon + 1) == std::string_view::npos) {
    target.port = ParsePort(rest.substr(colon + 1), text);
    rest = rest.substr(0, colon);
  }
  target.host = rest;
}

bool IsSpaceOrControl(char c) { return static_cast<unsigned char>(c) <= ' ' || c == '\x7f'; }

}  // namespace

SshTarget ParseSshTarget(std::string_view text) {
  std::string_view rest = text;
  if (rest.starts_with("ssh://")) {
    rest.remove_prefix(6);
    if (rest.ends_with('/')) rest.remove_suffix(1);
  }
  SshTarget target;
  if (const size_t at = rest.rfind('@'); at != std::string_view::npos) {
    target.user = rest.substr(0, at);
    if (target.user.empty()) throw BadTarget(text, "there is no user before the @");
    rest.remove_prefix(at + 1);
  }
  if (rest.starts_with('[')) {
    ParseBracketed(rest, text, target);
  } else {
    ParsePlain(rest, text, target);
  }
  if (target.host.empty()) throw BadTarget(text, "it names no host");
  // The ssh of a ProxyJump would take a host that begins with a dash for an option.
  if (target.host.front() == '-' || target.user.starts_with('-')) throw BadTarget(text, "it begins with a dash");
  if (std::any_of(text.begin(), text.end(), IsSpaceOrControl)) throw BadTarget(text, "it contains a space");
  return target;
}

std::string ToString(const SshTarget& target) {
  std::string text = target.user.empty() ? "" : target.user + "@";
  const bool brackets = target.host.find(':') != std::string::npos;
  text += brackets ? "[" + target.host + "]" : target.host;
  if (target.port != 0) text += ":" + std::to_string(target.port);
  return text;
}

}  // namespace rotv
