// The link that goes by SSH, into a container or not.

#pragma once

#include <memory>
#include <string>

#include "sync/link/link.h"

namespace rotv::link {

// As OpenLink(). libpq sees a unix socket: it speaks no TLS over one, which SSH makes unnecessary; a server whose
// pg_hba.conf wants `hostssl` from 127.0.0.1 is reached by its socket directory instead.
std::unique_ptr<Link> OpenSshLink(const SourceConfig& source, const std::string& private_dir,
                                  const Interrupt& interrupt);

}  // namespace rotv::link
