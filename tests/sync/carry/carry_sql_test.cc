#include "sync/carry/carry_sql.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/error.h"
#include "tests/support/files/thrown.h"

namespace rotv::carry {
namespace {

using ::testing::HasSubstr;

TEST(CarrySqlTest, ArraysAndRowsAreQuoted) {
  EXPECT_EQ(ArrayText({}), "{}");
  EXPECT_EQ(ArrayText({"id", "a \"b\\c, {d}\n"}), "{\"id\",\"a \\\"b\\\\c, {d}\n\"}");
  EXPECT_EQ(CopyRow({"a", "", "b\tc\nd\\e"}), "a\t\tb\\tc\\nd\\\\e\n");
}

TEST(CarrySqlTest, TheEncodingOfAStoreCannotBecomeSql) {
  EXPECT_THAT(SettleText("EUC_JIS_2004"), HasSubstr("SET client_encoding = 'EUC_JIS_2004';"));
  EXPECT_EQ(testing::CodeOf([] { SettleText("LATIN1'; DROP TABLE t; --"); }), ErrorCode::kCorrupt);
  EXPECT_EQ(testing::CodeOf([] { SettleText("SJIS"); }), ErrorCode::kProtocol);
}

// What settles the session has to be read alike whatever a function has set, and so have the calls in between.
TEST(CarrySqlTest, FixedTextHasNoBackslashInALiteral) {
  for (const std::string& text : {SettleText("UTF8"), std::string(EndText())}) {
    EXPECT_EQ(text.find('\\'), std::string::npos) << text;
    for (char byte : text) EXPECT_LT(static_cast<unsigned char>(byte), 0x80);
  }
  // The first line alone is for psql.
  const std::string begin = BeginText("UTF8");
  ASSERT_TRUE(begin.starts_with("\\set ON_ERROR_STOP on\n"));
  EXPECT_EQ(begin.find('\\', 1), std::string::npos);
}

}  // namespace
}  // namespace rotv::carry
