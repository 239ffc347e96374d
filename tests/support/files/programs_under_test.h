// The programs that end-to-end tests run: ROTV_SYNC_BINARY and ROTV_BINARY.

#pragma once

namespace rotv::testing {

// Returns `built`, the program's path in the build of the test; or its namesake in the directory that the variable
// ROTV_TEST_PROGRAMS names: the end-to-end tests then run a sanitizer's programs without being compiled for it.
const char* ProgramUnderTest(const char* built);

}  // namespace rotv::testing

#define ROTV_SYNC_BINARY ::rotv::testing::ProgramUnderTest(ROTV_SYNC_BUILT)
#define ROTV_BINARY ::rotv::testing::ProgramUnderTest(ROTV_BUILT)
