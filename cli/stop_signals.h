// SIGINT, SIGTERM and SIGHUP: they ask a command to stop, and end it where it does not.

#pragma once

#include <string>

#include "storage/interrupt.h"

namespace rotv {

// What is written where the command has no chance to.
struct LastWords {
  int descriptor = 2;
  std::string text;
};

// From now on such a signal requests `interrupt`. A command that has not ended kStopMs later, since it is in the middle
// of a large value, a call that does not return or a disk that does not answer, is ended then and there with exit code
// 130, after `words`; a second signal ends it at once. Every command can be killed at every moment: the next one
// cleans up. For the whole life of the process.
void StopOnSignals(Interrupt* interrupt, LastWords words);

// Commands are to be gone within two seconds.
inline constexpr int kStopMs = 1500;

}  // namespace rotv
