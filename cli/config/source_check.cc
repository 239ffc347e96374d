#include "cli/config/source_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace rotv::config {
namespace {

using Problem = std::optional<SourceProblem>;

bool IsAsciiAlnum(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

bool IsWordOf(std::string_view text, std::string_view others) {
  return std::all_of(text.begin(), text.end(),
                     [&](char c) { return IsAsciiAlnum(c) || others.find(c) != std::string_view::npos; });
}

bool HasControlCharacter(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

bool IsPostgresUrl(std::string_view text) {
  return text.starts_with("postgresql://") || text.starts_with("postgres://");
}

std::string Lower(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return lower;
}

std::string PercentDecoded(std::string_view text) {
  auto digit = [](char c) { return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10; };
  std::string decoded;
  for (size_t i = 0; i < text.size(); ++i) {
    bool escape = text[i] == '%' && i + 2 < text.size() && std::isxdigit(static_cast<unsigned char>(text[i + 1])) &&
                  std::isxdigit(static_cast<unsigned char>(text[i + 2]));
    decoded += escape ? static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2])) : text[i];
    if (escape) i += 2;
  }
  return decoded;
}

// Returns the value of a parameter after the '?'. libpq decodes names too, so "pass%77ord" is one for it.
std::optional<std::string> UrlParameter(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    size_t end = std::min(query.find('&'), query.size());
    std::string_view pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    size_t equals = std::min(pair.find('='), pair.size());
    if (Lower(PercentDecoded(pair.substr(0, equals))) != name) continue;
    return PercentDecoded(pair.substr(std::min(equals + 1, pair.size())));
  }
  return std::nullopt;
}

Problem CheckUrl(std::string_view url) {
  if (!IsPostgresUrl(url)) {
    return SourceProblem{"url", "url does not start with postgresql://",
                         "expected postgresql://user@host[:port]/database[?sslmode=verify-full]"};
  }
  url.remove_prefix(url.find("://") + 3);
  size_t question = std::min(url.find('?'), url.size());
  std::string_view query = url.substr(std::min(question + 1, url.size()));
  std::string_view place = url.substr(0, question);

  // libpq ends the credentials at the first '@' or '/'. A password with a '/' in it must be found all the same, so
  // everything between a ':' and any later '@' counts as a password.
  size_t colon = place.find(':');
  size_t at = place.rfind('@');
  bool credentials = colon != std::string_view::npos && at != std::string_view::npos && colon + 1 < at;
  if (credentials || UrlParameter(query, "password") || UrlParameter(query, "sslpassword")) {
    return SourceProblem{"url", "url holds a password", std::string(kPasswordHint)};
  }

  size_t slash = place.find('/');
  bool has_path = slash != std::string_view::npos && slash + 1 < place.size();
  if (!has_path && UrlParameter(query, "dbname").value_or("").empty()) {
    return SourceProblem{"url", "url names no database", "expected postgresql://user@host[:port]/database"};
  }
  return std::nullopt;
}

Problem CheckSsh(std::string_view ssh) {
  if (ssh.starts_with("ssh://")) ssh.remove_prefix(6);
  size_t at = ssh.rfind('@');
  if (at != std::string_view::npos && ssh.substr(0, at).find(':') != std::string_view::npos) {
    return SourceProblem{"ssh", "ssh holds a password", "remove it; log in with a key (identity) or the agent"};
  }
  if (ssh.starts_with('-') || ssh.find(' ') != std::string_view::npos || at == 0 || at + 1 == ssh.size()) {
    return SourceProblem{"ssh", "ssh is not the name of a host",
                         "expected user@host[:port], or a Host of ~/.ssh/config"};
  }
  return std::nullopt;
}

// Accepts the names that podman and docker allow; one that starts with '-' would be taken for an option.
Problem CheckContainer(std::string_view container) {
  if (container.empty() || (IsAsciiAlnum(container[0]) && IsWordOf(container, "_.-"))) return std::nullopt;
  return SourceProblem{"container", "container is not the name of a container",
                       "expected letters, digits, '_', '.' and '-', as podman ps shows it"};
}

Problem CheckExclude(std::string_view table) {
  size_t dot = table.find('.');
  bool whole = dot != std::string_view::npos && dot > 0 && dot + 1 < table.size();
  if (whole && table[0] != '"') return std::nullopt;
  return SourceProblem{"exclude", "exclude has an entry that is not the name of a table",
                       "expected \"schema.table\", without SQL's quotes, for example \"public.page_views\""};
}

}  // namespace

std::optional<SourceProblem> CheckSource(const SourceConfig& source) {
  const std::pair<const char*, const std::string*> texts[] = {
      {"ssh", &source.ssh},
      {"identity", &source.identity},
      {"known_hosts", &source.known_hosts},
      {"host", &source.host},
      {"container", &source.container},
      {"database", &source.database},
      {"user", &source.user},
      {"url", &source.url},
  };
  for (auto [key, text] : texts) {
    if (HasControlCharacter(*text)) return SourceProblem{key, fmt::format("{} holds a control character", key), ""};
  }
  for (const std::string& table : source.exclude) {
    if (Problem problem = CheckExclude(table)) return problem;
  }
  if (!source.url.empty()) return CheckUrl(source.url);
  if (source.database.empty()) {
    return SourceProblem{"database", "database is missing", "add for example: database = \"rotv\""};
  }
  // libpq accepts a whole URL, with a password in it, as a database's name.
  if (IsPostgresUrl(source.database)) {
    return SourceProblem{"database", "database is a URL", "give the URL as url, without a password, and no database"};
  }
  if (source.runtime != "podman" && source.runtime != "docker") {
    return SourceProblem{"runtime", "runtime is neither \"podman\" nor \"docker\"", "leave it out for podman"};
  }
  if (source.port < 1 || source.port > 65535) {
    return SourceProblem{"port", "port is out of range", "expected a number from 1 to 65535; PostgreSQL's is 5432"};
  }
  if (Problem problem = CheckSsh(source.ssh); !source.ssh.empty() && problem) return problem;
  return CheckContainer(source.container);
}

}  // namespace rotv::config
