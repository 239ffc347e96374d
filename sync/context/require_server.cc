#include "sync/context/require_server.h"

#include <fmt/format.h>

#include "storage/error.h"

namespace rotv {

void RequireServer(const SourceConfig& source) {
  if (!source.remote.empty()) {
    throw Error(
        ErrorCode::kUsage,
        fmt::format("{} follows what is published in {}: there is no server to ask", source.name, source.remote),
        "run this where the source itself is followed; here, rotv-sync pull takes what is published");
  }
  if (source.imported) {
    throw Error(ErrorCode::kUsage, fmt::format("{} was imported from a file: there is no source to ask", source.name),
                "it can be materialized, compared and started: rotv start --source " + source.name);
  }
}

}  // namespace rotv
