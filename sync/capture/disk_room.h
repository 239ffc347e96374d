// Whether this machine's disk has room for what a baseline or a pull will write. Estimates: they refuse only what
// cannot fit, and warn of what might not. What no estimate finds ends at the reserve (storage/free_space.h).

#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "sync/context/context.h"
#include "sync/postgres/catalog.h"

namespace rotv::capture {

struct RoomForBaseline {
  uint64_t least = 0;  // Fewer bytes a store of these tables never takes, as far as their sizes tell.
  uint64_t about = 0;  // What such stores usually take.
  uint64_t most = 0;   // Rarely more.
};
// `schema` says whose rows are stored.
RoomForBaseline EstimateBaseline(const postgres::Catalog& catalog, const proto::SchemaVersion& schema);

// What to do where a baseline does not fit.
std::string MoreRoomHint(const Context& context);

// Throws kDisk, with the numbers, if the baseline cannot fit into the home directory; warns if it might not.
void CheckRoomForBaseline(const Context& context, const postgres::Catalog& catalog, const proto::SchemaVersion& schema);

// Warns if `wal_bytes` of WAL, which are to be received, might not fit.
void WarnOfLongPull(const Context& context, uint64_t wal_bytes);

}  // namespace rotv::capture
