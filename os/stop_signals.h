// Handles SIGINT, SIGTERM and SIGHUP: they ask a command to stop, and end the process if it does not stop in time.

#pragma once

#include <string>

#include "storage/interrupt.h"

namespace rotv::os {

// The text that the signal handler writes if the command cannot report by itself.
struct LastWords {
  int descriptor = 2;
  std::string text;
};

// Installs the handlers, for the rest of the process's life: such a signal requests `interrupt`. A command may be
// unable to see that, in the middle of a large value, a call that does not return or a disk that does not respond. If
// it has not ended kStopMs later (kStopByHandMs after SIGINT), the handler writes `words` and ends the process with
// exit code 130; a second signal does so at once. That is safe since every command may be killed at every moment: the
// next one cleans up.
void StopOnSignals(Interrupt* interrupt, LastWords words);

// From now on the handler ends the process without words: the command has reported its end, or is about to. If the
// handler has begun to write them, in another thread, this does not return.
void ForgetLastWords();

// A program that sends SIGTERM should not have to wait for more than two seconds.
inline constexpr int kStopMs = 1700;
// After Ctrl-C there is time to remove what was created on the source, even over a slow link; a second Ctrl-C ends the
// wait.
inline constexpr int kStopByHandMs = 8000;

}  // namespace rotv::os
