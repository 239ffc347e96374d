#include "sync/postgres/lost_slot.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rotv::postgres {
namespace {

TEST(LostSlotTest, EachReasonIsSaid) {
  struct Case {
    const char* reason;
    const char* said;
  };
  for (const Case& one :
       {Case{"", "(max_slot_wal_keep_size)"}, Case{"wal_removed", "(max_slot_wal_keep_size)"},
        Case{"rows_removed", "has removed rows of its catalogue that replication slot rotv_a needed"},
        Case{"wal_level_insufficient", "wal_level was lowered below logical"},
        Case{"idle_timeout", "idle_replication_slot_timeout"}, Case{"conflicting", "while the source was a standby"},
        Case{"of_a_later_version", "replication slot rotv_a was invalidated on the source: of_a_later"}}) {
    EXPECT_THAT(LostSlotText("rotv_a", one.reason), ::testing::HasSubstr(one.said)) << one.reason;
    EXPECT_THAT(LostSlotText("rotv_a", one.reason), ::testing::HasSubstr("rotv_a"));
  }
}

}  // namespace
}  // namespace rotv::postgres
