#include "cli/launch/seed_check.h"

#include <gtest/gtest.h>

#include <string>

namespace rotv::launch {
namespace {

constexpr std::string_view kSeed =
    "--\n-- PostgreSQL database dump\n--\n\nSET x = 1;\n"                                  // 1 to 5
    "--\n-- Name: app; Type: SCHEMA; Schema: -; Owner: -\n--\n\nCREATE SCHEMA app;\n\n\n"  // 6 to 12
    "--\n-- Data for Name: a; b; Type: TABLE DATA; Schema: app; Owner: -\n--\n\nCOPY app.\"a; b\" (id) FROM stdin;\n"
    "-- no comment; Type: of ours\n\\.\n\n\n";  // 13 to 21

std::string ObjectAt(int64_t line, size_t piece) {
  ObjectAtLine object(line);
  for (size_t at = 0; at < kSeed.size() && !object.found(); at += piece) object.Feed(kSeed.substr(at, piece));
  return object.object();
}

TEST(ObjectAtLineTest, TheCommentAboveALineNamesItsObject) {
  for (size_t piece : {size_t{1}, size_t{7}, kSeed.size()}) {
    EXPECT_EQ(ObjectAt(5, piece), "");
    EXPECT_EQ(ObjectAt(6, piece), "");
    EXPECT_EQ(ObjectAt(10, piece), "SCHEMA app");
    EXPECT_EQ(ObjectAt(18, piece), "TABLE DATA app.a; b");
    EXPECT_EQ(ObjectAt(999, piece), "TABLE DATA app.a; b");
  }
}

}  // namespace
}  // namespace rotv::launch
