#include "sync/compare/row_hash.h"

#include <gtest/gtest.h>

#include <set>

#include "fmt/format.h"
#include "sync/formats/copy_text.h"
#include "sync/formats/text_hash.h"
#include "tests/integration/direct_source.h"

namespace rotv {
namespace {

using testing::PostgresServer;

class RowHashTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    server_ = new PostgresServer();
    source_ = new testing::DirectSource(*server_);
  }
  static void TearDownTestSuite() {
    delete source_;
    delete server_;
  }
  static postgres::PgConnection& connection() { return source_->connection(); }
  static uint64_t Number(const std::string& expression) {
    return static_cast<uint64_t>(connection().Query("SELECT " + expression).Int(0, 0));
  }

  // The server's hash of each row of `table` must equal our hash of its COPY line.
  static void ExpectSameHashes(const std::string& table, const std::vector<std::string>& columns) {
    postgres::PgResult hashes =
        connection().Query(fmt::format("SELECT {} FROM {}", compare::RowHashSql(columns), table));
    ASSERT_GT(hashes.rows(), 0);
    compare::RowHasher hasher(columns.size());
    postgres::PgOutcome start = connection().StartCopyOut(fmt::format("COPY {} TO STDOUT", table));
    ASSERT_FALSE(start.failure) << start.failure->message;
    int row = 0;
    while (std::optional<std::string_view> line = connection().CopyRow()) {
      EXPECT_EQ(hasher.Hash(line->substr(0, line->size() - 1)), static_cast<uint64_t>(hashes.Int(row, 0))) << *line;
      ++row;
    }
    EXPECT_EQ(connection().FinishCopy().has_value(), false);
    EXPECT_EQ(row, hashes.rows());
  }

  static PostgresServer* server_;
  static testing::DirectSource* source_;
};
PostgresServer* RowHashTest::server_ = nullptr;
testing::DirectSource* RowHashTest::source_ = nullptr;

TEST_F(RowHashTest, TextOfEveryLengthAndSeedHasTheServersHash) {
  std::string text;
  for (int length = 0; length < 100; ++length) {
    for (uint64_t seed : {uint64_t{0}, uint64_t{1}, uint64_t{0xfedcba9876543210}}) {
      EXPECT_EQ(formats::HashText(text, seed),
                Number(fmt::format("hashtextextended({} COLLATE \"C\", {})", connection().QuoteLiteral(text),
                                   static_cast<int64_t>(seed))))
          << length;
    }
    text += length % 3 == 0 ? "ü" : std::string(1, static_cast<char>('A' + length % 50));
  }
}

TEST_F(RowHashTest, TextHasTheSameHashAtEveryAddress) {
  const std::string text = "a text of some length, which is more than one block";
  const uint64_t hash = formats::HashText(text, 7);
  std::string moved;
  for (int i = 0; i < 8; ++i) {
    moved = std::string(static_cast<size_t>(i), 'x') + text;
    EXPECT_EQ(formats::HashText(std::string_view(moved).substr(static_cast<size_t>(i)), 7), hash);
  }
}

TEST_F(RowHashTest, RowsHaveTheServersHash) {
  connection().Query(
      "CREATE TABLE public.t (a int, b text, c bytea, d timestamptz, e boolean, f char(4));"
      "INSERT INTO public.t VALUES (1, 'plain', '\\x00ff', '2020-02-29 12:00+01', true, 'x'), (2, E'tab\\t, \\\\N "
      "\\n', '', "
      "'infinity', false, ''), (NULL, NULL, NULL, NULL, NULL, NULL), (3, '', NULL, NULL, NULL, NULL),"
      "(NULL, 'x', NULL, NULL, true, NULL), (4, E'\\x1f', '\\x5c', NULL, NULL, 'abcd')");
  ExpectSameHashes("public.t", {"a", "b", "c", "d", "e", "f"});
}

// SQL takes such a row for NULL in some places.
TEST_F(RowHashTest, ARowOfNullsIsNotNull) {
  connection().Query(
      "CREATE TYPE public.pair AS (a int, b text); CREATE TABLE public.pairs (a public.pair, b int);"
      "INSERT INTO public.pairs VALUES (ROW(NULL, NULL), NULL), (NULL, NULL), (ROW(NULL, NULL), 1), (NULL, 1)");
  ExpectSameHashes("public.pairs", {"a", "b"});
}

TEST_F(RowHashTest, RowsOfManyColumnsHaveTheServersHash) {
  std::string list;
  std::string values;
  std::vector<std::string> columns;
  for (int i = 0; i < 100; ++i) {
    columns.push_back(fmt::format("c{}", i));
    list += fmt::format("{}c{} int", i == 0 ? "" : ", ", i);
    values += fmt::format("{}nullif(n % {}, 0)", i == 0 ? "" : ", ", i + 2);
  }
  connection().Query(fmt::format(
      "CREATE TABLE public.wide ({}); INSERT INTO public.wide SELECT {} FROM generate_series(0, 40) n", list, values));
  ExpectSameHashes("public.wide", columns);
}

TEST_F(RowHashTest, ARowWithoutColumnsHasTheServersHash) {
  connection().Query("CREATE TABLE public.none (); INSERT INTO public.none DEFAULT VALUES");
  ExpectSameHashes("public.none", {});
}

TEST(RowHasherTest, DifferentRowsHaveDifferentHashes) {
  compare::RowHasher hasher(3);
  std::set<uint64_t> hashes;
  const char* lines[] = {"a\tb\t\\N",     "a\t\\N\tb", "\\N\ta\tb", "a\tb\t",  "a\t\tb",     "\ta\tb",
                         "\\N\t\\N\t\\N", "\t\t",      "\\N\t\t",   "a\tb\tc", "a\tb\tc\\t", "b\ta\tc"};
  for (const char* line : lines) EXPECT_TRUE(hashes.insert(hasher.Hash(line)).second) << line;
}

TEST(RowHasherTest, InvalidLinesHaveOtherHashes) {
  compare::RowHasher hasher(2);
  EXPECT_NE(hasher.Hash("a\\"), hasher.Hash("a"));
  EXPECT_NE(hasher.Hash("a\tb\\q"), hasher.Hash("a\tb"));
  EXPECT_NE(hasher.Hash("\\N\tb\tc"), hasher.Hash("\\N\tb"));
}

}  // namespace
}  // namespace rotv
