#include "sync/context/sftp_url.h"

#include <fmt/format.h>

#include "storage/error.h"

namespace rotv {

SftpUrl ParseSftpUrl(const std::string& url) {
  const auto fail = [&](const char* problem) {
    return Error(ErrorCode::kUsage, fmt::format("\"{}\" {}", url, problem),
                 "expected ssh://user@host/srv/history, or ssh://user@host/~/history");
  };
  const size_t slash = url.find('/', kSshScheme.size());
  if (!url.starts_with(kSshScheme) || slash == std::string::npos || slash == kSshScheme.size()) {
    throw fail("does not say where on a host a remote is");
  }
  SftpUrl parsed;
  parsed.target = ParseSshTarget(url.substr(0, slash));
  // Nobody has a colon in his name; what comes after it would be a password, which must not be shown.
  if (parsed.target.user.find(':') != std::string::npos) {
    throw Error(ErrorCode::kUsage, "the url of a remote has a password in it",
                "remove it: the login is by key, as for a source behind SSH");
  }
  parsed.directory = url.substr(slash);
  while (parsed.directory.size() > 1 && parsed.directory.back() == '/') parsed.directory.pop_back();
  if (parsed.directory == "/" || parsed.directory == "/~") throw fail("names no directory of the remote's own");
  if (parsed.directory.starts_with("/~/")) parsed.directory.replace(0, 2, ".");
  return parsed;
}

}  // namespace rotv
