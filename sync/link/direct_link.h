// The link of a source with a libpq URL: connections go straight to the server, and commands run on this machine.

#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "sync/link/link.h"

namespace rotv::link {

// Makes the link without connecting: only the first connection shows whether the server can be reached. A password is
// never sent in cleartext to a server that nothing proves (see ProvesServer()). Throws kUsage if libpq does not
// understand the url.
std::unique_ptr<Link> MakeDirectLink(const SourceConfig& source, const std::string& private_dir,
                                     const Interrupt& interrupt);

// Finds the newest version of PostgreSQL's `program` on this machine (PATH and the usual directories of packages), by
// its --version: pg_dump must not be older than its server. Returns `program` itself if none is found.
std::string FindNewestProgram(const std::string& program, const Interrupt& interrupt);

// Reads the major version from the output of `pg_dump --version`; 0 if there is none.
int MajorVersionOf(std::string_view version_text);

}  // namespace rotv::link
