// The link over SSH, with or without a container.

#pragma once

#include <memory>
#include <string>

#include "sync/link/link.h"

namespace rotv::link {

// Opens a link under the contract of OpenLink(). libpq connects to a unix socket, over which it uses no TLS; SSH makes
// that unnecessary. A server whose pg_hba.conf requires `hostssl` from 127.0.0.1 is reached by its socket directory
// instead.
std::unique_ptr<Link> OpenSshLink(const SourceConfig& source, const std::string& private_dir,
                                  const Interrupt& interrupt);

}  // namespace rotv::link
