#include "os/idle_priority.h"

#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace rotv::os {

void BecomeIdle() {
  constexpr int kLowest = 19;
  (void)setpriority(PRIO_PROCESS, 0, kLowest);
  // A program that the scheduler's class does not reach, in a container of another cgroup, still has the number above.
  const sched_param none{};
  (void)sched_setscheduler(0, SCHED_IDLE, &none);
  // linux/ioprio.h: IOPRIO_WHO_PROCESS, IOPRIO_CLASS_IDLE << IOPRIO_CLASS_SHIFT. The C library has no function for it.
  constexpr int kThisThread = 1, kIdleClass = 3 << 13;
  (void)syscall(SYS_ioprio_set, kThisThread, 0, kIdleClass);
}

}  // namespace rotv::os
