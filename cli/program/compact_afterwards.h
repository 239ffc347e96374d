// Merges the files that a pull has added, once the pull is done: beside whatever comes next, or for a scheduled run at
// its end.

#pragma once

#include "sync/context/context.h"

namespace rotv::program {

// Starts `rotv-sync compact --idle` for the source if the pull says that it is `owed`. A run that a person
// started goes on at once, and the program outlives it; a scheduled one waits for its end, since what started it may
// end all that it leaves behind. Whatever fails does no harm, and is tried again by the next pull. Throws kInterrupted.
void CompactAfterwards(const Context& context, bool owed);

}  // namespace rotv::program
