// A remote on a host that serves SFTP: the same files as those of a directory, so that either may be used for the
// other.

#pragma once

#include <memory>
#include <string>

#include "sync/context/context.h"
#include "sync/context/sftp_url.h"
#include "sync/remote/purpose.h"
#include "sync/remote/remote_place.h"

namespace rotv::remote {

struct SftpAddress {
  SftpUrl url;
  std::string identity;  // See SourceConfig, as is the next one.
  std::string known_hosts;
};

// Connects. Whoever publishes needs a shell there with flock, b2sum, mv and sync (util-linux and GNU coreutils);
// readers need SFTP alone. A directory that is missing is made with kPublish, for its owner alone, and else throws
// kUnreachable. Throws kRefused if it cannot be made, and what Sftp::Open() throws. The context outlives the place.
std::unique_ptr<RemotePlace> OpenSftp(const SftpAddress& address, Purpose purpose, const Context& context);

}  // namespace rotv::remote
