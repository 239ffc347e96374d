// SIGINT, SIGTERM and SIGHUP: they ask a command to stop, and end it where it does not.

#pragma once

#include <string>

#include "storage/interrupt.h"

namespace rotv::os {

// What is written where the command has no chance to.
struct LastWords {
  int descriptor = 2;
  std::string text;
};

// From now on such a signal requests `interrupt`. A command that has not ended kStopMs later (kStopByHandMs after
// SIGINT), since it is in the middle of a large value, a call that does not return or a disk that does not answer, is
// ended then and there with exit code 130, after `words`; a second signal ends it at once. Every command can be killed
// at every moment: the next one cleans up. For the whole life of the process.
void StopOnSignals(Interrupt* interrupt, LastWords words);

// Whoever sends SIGTERM waits for two seconds at most.
inline constexpr int kStopMs = 1700;
// A person may want what is on the source to be taken back over a slow link, and can press the keys again.
inline constexpr int kStopByHandMs = 8000;

}  // namespace rotv::os
