#include "sync/remote/remote_place.h"

#include <fmt/format.h>

namespace rotv::remote {

Error NotAsPublished(const std::string& place, std::string_view has, const std::string& name) {
  return Error(ErrorCode::kCorrupt, fmt::format("the remote {} {} the object {}", place, has, name),
               "pull again: the publisher may have removed it meanwhile; if it stays, publish once more");
}

}  // namespace rotv::remote
