// Removes slot and publication from the source; what is stored stays usable.

#pragma once

#include <string>
#include <vector>

#include "sync/context.h"

namespace rotv {

struct DetachResult {
  std::vector<std::string> removed;  // "replication slot rotv_…", "publication rotv_…"; empty if nothing was there.
};

// Done twice it does nothing the second time.
DetachResult Detach(const Context& context);

}  // namespace rotv
