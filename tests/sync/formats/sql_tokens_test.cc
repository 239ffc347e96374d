#include "sync/formats/sql_tokens.h"

#include <gtest/gtest.h>

namespace rotv {
namespace {

TEST(SqlTokensTest, WhiteSpaceAndCommentsAreNoTokens) {
  EXPECT_EQ(SqlTokens("SELECT a+1 FROM t"), SqlTokens("SELECT\n  a + 1 -- one\r\n  FROM /* a /* nested */ one */ t  "));
  EXPECT_EQ(SqlTokens("  "), "");
  EXPECT_EQ(SqlTokens("-- nothing"), "");
  EXPECT_EQ(SqlTokens("a := b<=c"), SqlTokens("a:=b <= c"));
}

TEST(SqlTokensTest, WhatStandsInQuotesStays) {
  for (const auto& [one, other] : {std::pair{"SELECT 'a  b'", "SELECT 'a b'"},
                                   {"SELECT \"a  b\"", "SELECT \"a b\""},
                                   {"SELECT $$ a $$", "SELECT $$a$$"},
                                   {"SELECT $x$ $$ -- $x$", "SELECT $x$ $$ $x$"},
                                   {"SELECT '-- no comment'", "SELECT '"},
                                   {"SELECT E'\\' -- '", "SELECT E'\\'"},
                                   {"SELECT '/*' || '*/'", "SELECT '"},
                                   {"SELECT 'it''s'", "SELECT 'it' 's'"}}) {
    EXPECT_NE(SqlTokens(one), SqlTokens(other)) << one;
    EXPECT_EQ(SqlTokens(one), SqlTokens(std::string("  ") + one + "\n")) << one;
  }
}

TEST(SqlTokensTest, WordsAreNotJoinedOrParted) {
  EXPECT_NE(SqlTokens("a b"), SqlTokens("ab"));
  EXPECT_NE(SqlTokens("$1 2"), SqlTokens("$12"));
  EXPECT_NE(SqlTokens("SELECT 1"), SqlTokens("select 1"));  // Of an unquoted name, too, case is somebody's formatting.
  EXPECT_EQ(SqlTokens("f($1,$2)"), SqlTokens("f( $1 , $2 )"));
  EXPECT_EQ(SqlTokens("ü$x = 1"), SqlTokens("ü$x=1"));
}

TEST(SqlTokensTest, WhatDoesNotEndGoesToTheEnd) {
  for (const char* text : {"'a", "\"a", "$$ a", "$tag$ a $tag", "/* a", "E'\\", "$", "a $"}) {
    EXPECT_LE(SqlTokens(text).size(), std::string_view(text).size() + 1) << text;
  }
}

}  // namespace
}  // namespace rotv
