// The names that a shell completes: those of what is stored of a source. Cheap: neither rows nor keys are read.

#pragma once

#include <string>
#include <vector>

#include "sync/context/context.h"

namespace rotv {

// The snapshots of the source, those of earlier baselines too, by name; head and baseline are not among them. None if
// there is no baseline. Throws what OpenWorkspace() does for a reader.
std::vector<std::string> SnapshotNames(const Context& context);

// The user's tables at the head, with schema and as SQL quotes them: as every --table takes them. Sorted. The same
// otherwise.
std::vector<std::string> TableNames(const Context& context);

}  // namespace rotv
