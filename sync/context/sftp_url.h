// Parses the URL of a remote on a host with SFTP. Pure.

#pragma once

#include <string>

#include "sync/context/ssh_target.h"

namespace rotv {

inline constexpr std::string_view kSshScheme = "ssh://";

// ssh://[user@]host[:port]/absolute/path, or …/~/path below the login's home directory. The path is taken as it is
// written: nothing in it is decoded.
struct SftpUrl {
  SshTarget target;
  std::string directory;  // "/srv/history"; "./history" below the home directory.
};

// Throws kUsage if it is none.
SftpUrl ParseSftpUrl(const std::string& url);

}  // namespace rotv
