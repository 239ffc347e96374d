#include "sync/formats/sql_tokens.h"

#include <gtest/gtest.h>

namespace rotv {
namespace {

TEST(SqlTokensTest, WhiteSpaceAndCommentsAreNotTokens) {
  EXPECT_EQ(formats::SqlTokens("SELECT a+1 FROM t"),
            formats::SqlTokens("SELECT\n  a + 1 -- one\r\n  FROM /* a /* nested */ one */ t  "));
  EXPECT_EQ(formats::SqlTokens("  "), "");
  EXPECT_EQ(formats::SqlTokens("-- nothing"), "");
  EXPECT_EQ(formats::SqlTokens("a := b<=c"), formats::SqlTokens("a:=b <= c"));
}

TEST(SqlTokensTest, QuotedTextIsKept) {
  for (const auto& [one, other] : {std::pair{"SELECT 'a  b'", "SELECT 'a b'"},
                                   {"SELECT \"a  b\"", "SELECT \"a b\""},
                                   {"SELECT $$ a $$", "SELECT $$a$$"},
                                   {"SELECT $x$ $$ -- $x$", "SELECT $x$ $$ $x$"},
                                   {"SELECT '-- no comment'", "SELECT '"},
                                   {"SELECT E'\\' -- '", "SELECT E'\\'"},
                                   {"SELECT '/*' || '*/'", "SELECT '"},
                                   {"SELECT 'it''s'", "SELECT 'it' 's'"}}) {
    EXPECT_NE(formats::SqlTokens(one), formats::SqlTokens(other)) << one;
    EXPECT_EQ(formats::SqlTokens(one), formats::SqlTokens(std::string("  ") + one + "\n")) << one;
  }
}

TEST(SqlTokensTest, WordsAreNeitherJoinedNorSplit) {
  EXPECT_NE(formats::SqlTokens("a b"), formats::SqlTokens("ab"));
  EXPECT_NE(formats::SqlTokens("$1 2"), formats::SqlTokens("$12"));
  EXPECT_NE(formats::SqlTokens("SELECT 1"),
            formats::SqlTokens("select 1"));  // The case of an unquoted name is only formatting, too.
  EXPECT_EQ(formats::SqlTokens("f($1,$2)"), formats::SqlTokens("f( $1 , $2 )"));
  EXPECT_EQ(formats::SqlTokens("ü$x = 1"), formats::SqlTokens("ü$x=1"));
}

TEST(SqlTokensTest, AnUnterminatedTokenExtendsToTheEnd) {
  for (const char* text : {"'a", "\"a", "$$ a", "$tag$ a $tag", "/* a", "E'\\", "$", "a $"}) {
    EXPECT_LE(formats::SqlTokens(text).size(), std::string_view(text).size() + 1) << text;
  }
}

}  // namespace
}  // namespace rotv
