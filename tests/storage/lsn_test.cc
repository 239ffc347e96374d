#include "storage/lsn.h"

#include <gtest/gtest.h>

namespace rotv {
namespace {

TEST(LsnTest, IsPrintedAsPostgresPrintsIt) {
  EXPECT_EQ(Lsn(0).ToString(), "0/0");
  EXPECT_EQ(Lsn(0x16B374D848).ToString(), "16/B374D848");
  EXPECT_EQ(Lsn(UINT64_MAX).ToString(), "FFFFFFFF/FFFFFFFF");
  EXPECT_EQ(Lsn(0x100000000).ToString(), "1/0");
}

TEST(LsnTest, PrintedLsnsAreParsedBack) {
  for (uint64_t value : {uint64_t{0}, uint64_t{1}, uint64_t{0xFFFFFFFF}, uint64_t{0x100000000}, UINT64_MAX}) {
    EXPECT_EQ(Lsn::Parse(Lsn(value).ToString()), Lsn(value));
  }
}

TEST(LsnTest, LowerCaseAndLeadingZerosAreAccepted) {
  EXPECT_EQ(Lsn::Parse("16/b374d848"), Lsn(0x16B374D848));
  EXPECT_EQ(Lsn::Parse("00000001/00000002"), Lsn(0x100000002));
}

TEST(LsnTest, AnythingElseIsRefused) {
  for (const char* text : {"", "/", "1", "1/", "/1", "1/2/3", "0x1/2", "1/ 2", " 1/2", "1/2 ", "-1/2", "1/-2", "+1/2",
                           "100000000/0", "0/100000000", "000000001/0", "g/0", "head", "2026-01-31"}) {
    EXPECT_EQ(Lsn::Parse(text), std::nullopt) << text;
  }
}

TEST(LsnTest, LsnsAreOrderedByPosition) {
  EXPECT_LT(Lsn(0xFFFFFFFF), Lsn(0x100000000));
  EXPECT_EQ(Lsn(7), Lsn(7));
  EXPECT_EQ(Lsn(), Lsn(0));
}

TEST(LsnTest, ANegativeDistanceIsZero) {
  EXPECT_EQ(BytesBetween(Lsn(10), Lsn(30)), 20u);
  EXPECT_EQ(BytesBetween(Lsn(30), Lsn(10)), 0u);
  EXPECT_EQ(BytesBetween(Lsn(30), Lsn(30)), 0u);
}

}  // namespace
}  // namespace rotv
