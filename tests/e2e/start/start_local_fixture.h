// Starts without a container, and checks of what they must not leave.

#pragma once

#include <gmock/gmock.h>
#include <signal.h>

#include <string>
#include <vector>

#include "os/process_list.h"
#include "tests/e2e/start/start_fixture.h"

namespace rotv::testing {

class StartLocalTest : public StartTest {
 protected:
  // Checks what a stop or a failed start must not leave.
  void ExpectNothingRuns() {
    EXPECT_THAT(Processes(), ::testing::IsEmpty());
    EXPECT_EQ(os::WhoListensOn(port_), "");
    EXPECT_EQ(nlohmann::json::parse(Rotv({"--json", "status"}).out)["state"], "stopped");
  }

  // 0: the host's process, 1: all its processes, 2: PostgreSQL, if it runs yet.
  void Kill(Process& start, int victim) {
    if (victim == 0) start.Signal(SIGKILL);
    for (pid_t process : Processes()) {
      std::vector<std::string> words = os::CommandLineOf(process);
      bool server = !words.empty() && words.front().find("postgres") != std::string::npos;
      if (victim == 1 || (victim == 2 && server)) kill(process, SIGKILL);
    }
  }
};

}  // namespace rotv::testing
