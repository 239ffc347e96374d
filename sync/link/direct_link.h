// The link of a source that is named by a libpq URL: connections go straight to the server, commands run here.

#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "sync/link/link.h"

namespace rotv::link {

// Opens nothing: whether the server can be reached is seen with the first connection. A password never goes in clear to
// a server that nothing proves (see ProvesServer()). Throws kUsage if libpq does not understand the url.
std::unique_ptr<Link> MakeDirectLink(const SourceConfig& source, const std::string& private_dir,
                                     const Interrupt& interrupt);

// The newest `program` of PostgreSQL on this machine (PATH and the usual places of packages), by what its --version
// says: a dump program must not be older than its server. `program` itself if there is none.
std::string FindNewestProgram(const std::string& program, const Interrupt& interrupt);

// The major version in what `pg_dump --version` prints; 0 if there is none.
int MajorVersionOf(std::string_view version_text);

}  // namespace rotv::link
