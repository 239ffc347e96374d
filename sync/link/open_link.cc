#include "sync/link/open_link.h"

#include "sync/link/direct_link.h"
#include "sync/link/ssh_link.h"

namespace rotv::link {

std::unique_ptr<Link> OpenLink(const SourceConfig& source, const std::string& private_dir, const Interrupt& interrupt) {
  if (!source.ssh.empty()) return OpenSshLink(source, private_dir, interrupt);
  return MakeDirectLink(source, private_dir, interrupt);
}

}  // namespace rotv::link
