#include "sync/remote_config.h"

#include <fnmatch.h>

#include <algorithm>

namespace rotv {

bool PublishesSnapshot(const RemoteConfig& remote, const std::string& name) {
  if (!remote.snapshots) return true;
  return std::any_of(remote.snapshots->begin(), remote.snapshots->end(), [&](const std::string& pattern) {
    return fnmatch(pattern.c_str(), name.c_str(), FNM_NOESCAPE) == 0;
  });
}

}  // namespace rotv
