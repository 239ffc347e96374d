#include "sync/postgres/slot_in_use.h"

#include <gtest/gtest.h>

#include "storage/error.h"

namespace rotv::postgres {
namespace {

const PgFailure kInUse{"55006", "replication slot \"s\" is active for PID 7"};

TEST(SlotInUseTest, ASlotThatIsReleasedIsUsed) {
  int calls = 0;
  int waits = 0;
  const auto use = [&]() -> std::optional<PgFailure> {
    if (++calls <= 2) return kInUse;
    return std::nullopt;
  };
  EXPECT_FALSE(UseSlotOnceReleased(use, Interrupt(), [&] { ++waits; }));
  EXPECT_EQ(calls, 3);
  EXPECT_EQ(waits, 2);
}

TEST(SlotInUseTest, AnotherFailureIsGivenBackAtOnce) {
  const auto use = [] { return std::optional<PgFailure>({"42704", "replication slot \"s\" does not exist"}); };
  const std::optional<PgFailure> failure = UseSlotOnceReleased(use, Interrupt(), [] { FAIL() << "waited"; });
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->sqlstate, "42704");
}

TEST(SlotInUseTest, TheWaitCanBeInterrupted) {
  Interrupt interrupt;
  const auto use = [&] {
    interrupt.Request();
    return std::optional(kInUse);
  };
  try {
    UseSlotOnceReleased(use, interrupt, [] {});
    FAIL() << "not interrupted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInterrupted);
  }
}

}  // namespace
}  // namespace rotv::postgres
