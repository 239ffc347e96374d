// Tests the ticks of entrypoint/messages.sh by themselves: an import may end before they have begun.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/support/files/subprocess.h"
#include "tests/support/files/temp_dir.h"

namespace rotv::testing {
namespace {

TEST(EntrypointTicksTest, EndHoweverSoonTheyAreStopped) {
  const TempDir directory;
  // A new process of bash's drops a signal that comes just before it puts its handlers aside: one in some hundred, if
  // the signal is delayed a little.
  const Result result = RunCommand({.argv = {"bash", "-c",
                                             fmt::format(R"(
    set -euo pipefail
    source '{}/entrypoint/messages.sh'
    scratch='{}'
    trap 'exit 1' TERM INT HUP
    mkfifo "$scratch/ticks"
    exec {{ticks_fd}}<>"$scratch/ticks"
    kill() {{
      local steps=$((RANDOM % 100))
      [[ $1 == -0 ]] || while ((steps-- > 0)); do :; done
      builtin kill "$@"
    }}
    for ((round = 0; round < 1000; round++)); do
      start_ticks "$ticks_fd"
      stop_ticks
    done
    printf 'all have ended')",
                                                         ROTV_SOURCE_DIR, directory.path().native())},
                                    .timeout = std::chrono::seconds(60)});
  EXPECT_FALSE(result.timed_out);
  EXPECT_EQ(result.out, "all have ended");
  EXPECT_EQ(result.err, "");
}

}  // namespace
}  // namespace rotv::testing
