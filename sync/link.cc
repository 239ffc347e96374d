#include "sync/link.h"

#include "sync/direct_link.h"
#include "sync/ssh_link.h"

namespace rotv {

std::unique_ptr<Link> Link::Open(const SourceConfig& source, const std::string& private_dir,
                                 const Interrupt& interrupt) {
  if (!source.ssh.empty()) return OpenSshLink(source, private_dir, interrupt);
  if (!source.url.empty()) return MakeDirectLink(source, interrupt);
  throw Error(ErrorCode::kUsage, "source " + source.name + " has neither ssh nor url",
              "give [sources." + source.name + "] a line like: ssh = \"user@host\"");
}

}  // namespace rotv
