// The exit codes of the programs, as scripts know them: written out, not taken from the code under test.

#pragma once

namespace rotv::testing {

inline constexpr int kUsage = 2;
inline constexpr int kRefused = 3;
inline constexpr int kUnreachable = 4;
inline constexpr int kNotUnderstood = 5;
inline constexpr int kDisk = 6;
inline constexpr int kCorrupt = 7;
inline constexpr int kNewBaselineNeeded = 8;
inline constexpr int kDiffer = 9;
inline constexpr int kInUse = 10;
inline constexpr int kCannotStart = 12;
inline constexpr int kInterrupted = 130;

}  // namespace rotv::testing
