// How fast a store grows, by what its change log tells of the last days.

#pragma once

#include <cstdint>
#include <optional>

#include "storage/row_store.h"

namespace rotv::history {

// Gives the bytes a day by which the store grows, from the changes of the last week (fewer days if the history is
// shorter or they are very many); nullopt if the history is too short to tell.
std::optional<uint64_t> GrowthPerDay(const RowStore& store);

}  // namespace rotv::history
