#include "os/idle_priority.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <thread>

namespace rotv::os {
namespace {

TEST(IdlePriorityTest, ThisThreadGivesWayAndTheOthersDoNot) {
  const int before = sched_getscheduler(0);
  int policy = 0, nice = 0, io_class = 0;
  std::thread idle([&] {
    BecomeIdle();
    policy = sched_getscheduler(0);
    nice = getpriority(PRIO_PROCESS, 0);
    io_class = static_cast<int>(syscall(SYS_ioprio_get, 1, 0)) >> 13;
  });
  idle.join();
  EXPECT_EQ(policy, SCHED_IDLE);
  EXPECT_EQ(nice, 19);
  EXPECT_EQ(io_class, 3);
  EXPECT_EQ(sched_getscheduler(0), before);
}

}  // namespace
}  // namespace rotv::os
