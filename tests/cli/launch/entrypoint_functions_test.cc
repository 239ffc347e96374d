// Tests functions of the entrypoint by themselves, in states that a whole run seldom meets.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "tests/support/files/subprocess.h"
#include "tests/support/files/temp_dir.h"

namespace rotv::testing {
namespace {

class EntrypointFunctionsTest : public ::testing::Test {
 protected:
  // Runs the lines with all functions of the entrypoint that they need.
  std::string Run(const std::string& lines) const {
    const Result result = RunCommand({.argv = {"bash", "-c",
                                               fmt::format(R"(
      set -euo pipefail
      for file in messages directory superuser postgres warm import parallel_import packed_seed; do source '{}/entrypoint/'$file.sh; done
      scratch='{}'
      {})",
                                                           ROTV_SOURCE_DIR, directory_.path().native(), lines)},
                                      .timeout = std::chrono::seconds(60)});
    EXPECT_FALSE(result.timed_out);
    return result.out + result.err;
  }

  TempDir directory_;
};

// What is left of them behind a copy that failed would be taken for all changes: none.
TEST_F(EntrypointFunctionsTest, ChangesThatCouldNotBeCopiedAreNotReadAgain) {
  EXPECT_EQ(Run(R"(
      head -c 100000 /dev/zero >"$scratch/carry"
      exec {again_fd}<"$scratch/carry"
      ulimit -S -f 1
      reopen_carry 2>/dev/null || printf 'no room\n'
      ulimit -S -f unlimited
      reopen_carry || printf 'no more\n'
      find "$scratch" -name 'changes*')"),
            "no room\nno more\n");
}

TEST_F(EntrypointFunctionsTest, ChangesAreReadAgainAndAgain) {
  EXPECT_EQ(Run(R"(
      head -c 100000 /dev/zero >"$scratch/carry"
      exec {again_fd}<"$scratch/carry"
      for _ in 1 2; do reopen_carry && wc -c <&"$carry_fd"; done)"),
            "100000\n100000\n");
}

TEST_F(EntrypointFunctionsTest, RowsEndWithoutErrorOnlyWhereTheirReaderHas) {
  EXPECT_EQ(Run(R"(
      read -r rows < <(pass_on 1 printf 'rows\n')
      require_passed 1 0
      printf 'passed\n'
      cat < <(pass_on 2 bash -c 'printf "rows\n"; kill -KILL $$')
      (require_passed 2 0) 2>/dev/null || printf 'killed\n'
      (require_passed 2 1) 2>/dev/null || printf 'killed, and an error of psql\n'
      head -n 1 < <(pass_on 3 yes)
      until [[ -s $scratch/passed.3 ]]; do nap 0.01; done
      require_passed 3 1
      printf 'an error of psql\n'
      (require_passed 3 0) 2>/dev/null || printf 'not all was read\n')"),
            "passed\nrows\nkilled\nkilled, and an error of psql\ny\nan error of psql\nnot all was read\n");
}

// Its number may be another process's by now: here it is one that nobody may end.
TEST_F(EntrypointFunctionsTest, OnlyADecompressorIsKilled) {
  EXPECT_EQ(Run(R"(
      seed_format=zstd
      sleep 1000 &
      other=$!
      exec {pipe_fd}< <(:) {endless_fd}< <(exec zstd -c </dev/zero)
      unpackers=([1]="$other" [2]="$!") slot_fds=([1]="$pipe_fd" [2]="$endless_fd")
      unpacker=$!
      until [[ $(</proc/$unpacker/comm) == zstd ]]; do nap 0.01; done
      stop_unpacking
      run await_gone "$unpacker" 30 && ! kill -0 "$unpacker" 2>/dev/null && printf 'it has ended\n'
      kill -0 "$other" && printf 'it runs\n'
      kill "$other")"),
            "it has ended\nit runs\n");
}

}  // namespace
}  // namespace rotv::testing
