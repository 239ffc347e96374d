#include "sync/link/password_file.h"

#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>

#include "os/process_environment.h"
#include "storage/atomic_file.h"
#include "storage/error.h"

namespace rotv::link {
namespace {

constexpr size_t kFields = 5;  // hostname:port:database:username:password

// Splits the line at its colons; "\:" and "\\" mean the characters themselves.
std::vector<std::string> Fields(std::string_view line) {
  std::vector<std::string> fields(1);
  for (size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '\\' && i + 1 < line.size()) {
      fields.back().push_back(line[++i]);
    } else if (line[i] == ':' && fields.size() < kFields) {
      fields.emplace_back();
    } else {
      fields.back().push_back(line[i]);
    }
  }
  return fields;
}

bool MatchesField(const std::string& field, const std::string& value) { return field == "*" || field == value; }

}  // namespace

std::optional<std::string> FindPassword(std::string_view content, const PasswordQuery& query) {
  while (!content.empty()) {
    size_t end = std::min(content.find('\n'), content.size());
    std::string_view line = content.substr(0, end);
    content.remove_prefix(std::min(end + 1, content.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty() || line.front() == '#') continue;
    std::vector<std::string> fields = Fields(line);
    if (fields.size() != kFields) continue;
    bool host_fits = std::any_of(query.hosts.begin(), query.hosts.end(),
                                 [&](const std::string& host) { return MatchesField(fields[0], host); });
    if (host_fits && MatchesField(fields[1], query.port) && MatchesField(fields[2], query.database) &&
        MatchesField(fields[3], query.user)) {
      return fields[4];
    }
  }
  return std::nullopt;
}

std::optional<std::string> LookUpPassword(const PasswordQuery& query, const std::string& file) {
  const std::string home = os::TakenVariable("HOME");
  std::string path = os::TakenVariable("PGPASSFILE");
  if (path.empty() && !home.empty()) path = home + "/.pgpass";
  if (!file.empty()) path = file;
  struct stat status {};
  if (path.empty() || stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
  if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0) return std::nullopt;
  try {
    return FindPassword(ReadFile(path), query);
  } catch (const Error&) {
    return std::nullopt;
  }
}

}  // namespace rotv::link
