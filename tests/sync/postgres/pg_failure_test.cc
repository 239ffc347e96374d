#include "sync/postgres/pg_failure.h"

#include <gtest/gtest.h>

namespace rotv::postgres {
namespace {

ErrorCode CodeOfState(const char* sqlstate) { return ErrorOf({sqlstate, "words"}).code(); }

TEST(PgFailureTest, APrivilegeIsRefused) {
  EXPECT_TRUE(IsForPrivilege({"42501", "permission denied for table users"}));
  EXPECT_EQ(CodeOfState("42501"), ErrorCode::kRefused);
  EXPECT_STREQ(ErrorOf({"42501", "permission denied"}).what(), "the source refused: permission denied");
}

TEST(PgFailureTest, ALockAndADeadlockMayHelpToTryAgain) {
  for (const char* state : {"55P03", "40P01"}) {
    EXPECT_TRUE(IsForLock({state, ""})) << state;
    EXPECT_TRUE(IsForBusyTable({state, ""})) << state;
    EXPECT_EQ(CodeOfState(state), ErrorCode::kUnreachable) << state;
  }
  EXPECT_TRUE(IsForBusyTable({"57014", ""}));
  EXPECT_FALSE(IsForLock({"57014", ""}));
}

TEST(PgFailureTest, ATableThatIsNoLongerThereHasMoved) {
  for (const char* state : {"42P01", "42703", "42809", "3F000", "55000"}) {
    EXPECT_TRUE(IsForMovedTable({state, ""})) << state;
    EXPECT_FALSE(IsForBusyTable({state, ""})) << state;
  }
  EXPECT_FALSE(IsForMovedTable({"42704", ""}));
  EXPECT_EQ(CodeOfState("55000"), ErrorCode::kUnreachable);
}

TEST(PgFailureTest, AnEventTriggerRefuses) { EXPECT_EQ(CodeOfState("P0001"), ErrorCode::kRefused); }

TEST(PgFailureTest, AServerThatShutsDownOrIsFullIsUnreachable) {
  for (const char* state : {"57P01", "08006", "53300", "57014"}) {
    EXPECT_EQ(CodeOfState(state), ErrorCode::kUnreachable) << state;
  }
}

TEST(PgFailureTest, EveryOtherStateIsNotUnderstood) {
  for (const char* state : {"42601", "XX000", "58P01"}) EXPECT_EQ(CodeOfState(state), ErrorCode::kProtocol) << state;
}

TEST(PgFailureTest, ALostExportedSnapshotMeansThatAConnectionWasLost) {
  const PgFailure before_17{"22023", "invalid snapshot identifier: \"00000009-000000A6-1\""};
  const PgFailure since_17{"42704", "snapshot \"00000009-000000A6-1\" does not exist"};
  for (const PgFailure& failure : {before_17, since_17}) {
    EXPECT_TRUE(IsForLostSnapshot(failure)) << failure.message;
    EXPECT_EQ(ErrorOf(failure).code(), ErrorCode::kUnreachable) << failure.message;
  }
  EXPECT_FALSE(IsForLostSnapshot({"22023", "invalid value for parameter"}));
  EXPECT_FALSE(IsForLostSnapshot({"42704", "type \"t\" does not exist"}));
}

}  // namespace
}  // namespace rotv::postgres
