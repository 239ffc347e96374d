// Levels: longer steps beside the short ones, so that whoever comes late reads few, and hardly more than what changed.
//
// Of four publications (counted from the base) the last one writes a step that leads over all four; of sixteen, one
// over those; and so on. So each change is written once for each level. Of each level the newest sixteen stay, and all
// that no longer step leads over: whoever is n publications behind begins in the middle of a step that is at most a
// quarter of n long, and takes about log n of them.

#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "proto/remote.pb.h"

namespace rotv::remote {

// The publications from which steps to the head should be written beside the one from the last publication, the nearest
// first. Where all that a step would have is larger than some objects it saves nobody a request, and there is none.
std::vector<proto::RemoteMark> LongerSteps(const proto::RemoteHead& head);

// Adds a step to those of the head, in its place.
void AddStep(proto::RemoteStep step, proto::RemoteHead* head);

// Removes the steps that others lead over and nobody needs any more, and returns them.
std::vector<proto::RemoteStep> TakeOutCovered(proto::RemoteHead* head);

// True if whoever has nothing takes much more than he would of a new base: gc has dropped part of what was published,
// or there are many small steps that could not be joined. `living` counts the versions that are left in the store;
// nullopt: all that were published.
bool IsTimeForBase(const proto::RemoteHead& head, std::optional<uint64_t> living);

}  // namespace rotv::remote
