#include "sync/postgres/slot_in_use.h"

#include <chrono>
#include <thread>

#include "storage/error.h"
#include "sync/postgres/sqlstate.h"

namespace rotv::postgres {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kReleaseTimeout = std::chrono::seconds(75);
constexpr auto kTryAgain = std::chrono::milliseconds(100);

}  // namespace

std::optional<PgFailure> UseSlotOnceReleased(const std::function<std::optional<PgFailure>()>& use,
                                             const Interrupt& interrupt, const std::function<void()>& waiting) {
  const Clock::time_point deadline = Clock::now() + kReleaseTimeout;
  for (;;) {
    std::optional<PgFailure> failure = use();
    if (!failure || failure->sqlstate != sqlstate::kObjectInUse) return failure;
    if (Clock::now() > deadline) {
      throw Error(ErrorCode::kUnreachable, "the replication slot is in use: " + failure->message,
                  "end that process on the source (SELECT pg_terminate_backend(<PID>)), then try again");
    }
    interrupt.Check();
    waiting();
    std::this_thread::sleep_for(kTryAgain);
  }
}

}  // namespace rotv::postgres
