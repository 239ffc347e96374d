// Lists the containers of a remote host, for a person who does not know in which one PostgreSQL runs.

#pragma once

#include <string>
#include <vector>

#include "sync/context/context.h"

namespace rotv {

struct FoundContainer {
  std::string runtime;  // podman or docker.
  std::string name;
  std::string image;
};

// The containers that run on the host of a source with `ssh`, those first whose image or command names PostgreSQL. None
// where neither podman nor docker is there, or where they may not be asked. Throws what OpenLink() (sync/link) throws.
std::vector<FoundContainer> FindContainers(const Context& context);

}  // namespace rotv
