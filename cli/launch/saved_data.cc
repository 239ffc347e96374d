#include "cli/launch/saved_data.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "cli/launch/warm_clusters.h"
#include "storage/error.h"

namespace rotv::launch {

bool IsSaved(const std::filesystem::path& home, const std::string& name) {
  const std::vector<WarmCluster> all = WarmClusters(home).All();
  return std::any_of(all.begin(), all.end(), [&](const WarmCluster& cluster) {
    return cluster.state.kind == WarmKind::kSaved && cluster.state.saved_as == name;
  });
}

void RequireNotSaved(const std::filesystem::path& home, const std::string& name) {
  if (!IsSaved(home, name)) return;
  throw Error(ErrorCode::kUsage, fmt::format("there is saved data named {} already", name),
              fmt::format("choose another name, or first: rotv warm --remove {}", name));
}

}  // namespace rotv::launch
