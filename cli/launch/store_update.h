// Brings a source's store up to date before it is started from, and says what was done.

#pragma once

#include "storage/error.h"
#include "sync/context/context.h"

namespace rotv::launch {

// True for an error of the source, which does not concern what is stored here.
bool IsTheSources(const Error& error);

// Takes the baseline, or what is published, of a source without a store. Throws what TakeMissingBaseline() or
// FollowRemote() does.
void TakeFirst(const Context& context);

// Pulls into the store that is there. What is wrong with the source is a warning.
void PullIntoStore(const Context& context);

}  // namespace rotv::launch
