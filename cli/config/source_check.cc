#include "cli/config/source_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>

#include "sync/context/conninfo.h"

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

Problem CheckUrl(const std::string& url) {
  if (!IsPostgresUrl(url)) {
    return SourceProblem{"url", "url does not start with postgresql://",
                         "expected postgresql://user@host[:port]/database[?sslmode=verify-full]"};
  }
  // libpq ends the credentials at the first '@' or '/'. A password with a '/' in it must be found all the same, so
  // everything between a ':' and any later '@' counts as a password.
  const std::string place = url.substr(0, url.find('?')).substr(url.find("://") + 3);
  const size_t colon = place.find(':');
  const size_t at = place.rfind('@');
  const bool credentials = colon != std::string::npos && at != std::string::npos && colon + 1 < at;
  const Conninfo parsed = ParseConninfo(url);
  if (credentials || parsed.values.contains("password") || parsed.values.contains("sslpassword")) {
    return SourceProblem{"url", "url holds a password", std::string(kPasswordHint)};
  }
  if (!parsed.error.empty()) {  // The text may have a password in it, which libpq's words would repeat.
    return SourceProblem{"url", "url is not one that libpq understands",
                         "expected postgresql://user@host[:port]/database[?sslmode=verify-full]"};
  }
  if (ValueOf(parsed, "dbname").empty()) {
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
