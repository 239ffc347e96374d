// Labels: tsan

#include "sync/seed/seed_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sync/postgres/psql_restrict.h"
#include "tests/support/no_progress.h"
#include "tests/sync/store_source.h"

namespace rotv {
namespace {

using testing::CodeOf;
using testing::kInt4Oid;
using testing::NoProgress;
using testing::StoreFixture;

proto::Sequence SequenceNamed(const std::string& quoted_name) {
  proto::Sequence sequence;
  sequence.set_quoted_name(quoted_name);
  return sequence;
}

proto::SequenceValue ValueOf(int64_t last_value, bool is_called) {
  proto::SequenceValue value;
  value.set_last_value(last_value);
  value.set_is_called(is_called);
  return value;
}

TEST(SetvalTest, MatchesPgDump) {
  EXPECT_EQ(seed::SetvalStatement(SequenceNamed("public.a_seq"), ValueOf(7, true), true),
            "SELECT pg_catalog.setval('public.a_seq', 7, true);\n");
  EXPECT_EQ(seed::SetvalStatement(SequenceNamed("public.a_seq"), ValueOf(INT64_MIN, false), true),
            "SELECT pg_catalog.setval('public.a_seq', -9223372036854775808, false);\n");
}

TEST(SetvalTest, QuotesAndBackslashesInANameAreEscapedForTheSource) {
  proto::Sequence sequence = SequenceNamed(R"(public."it's\")");
  EXPECT_EQ(seed::SetvalStatement(sequence, ValueOf(1, true), true),
            "SELECT pg_catalog.setval('public.\"it''s\\\"', 1, true);\n");
  EXPECT_EQ(seed::SetvalStatement(sequence, ValueOf(1, true), false),
            "SELECT pg_catalog.setval('public.\"it''s\\\\\"', 1, true);\n");
}

class SeedWriterTest : public ::testing::Test {
 protected:
  SeedWriterTest() {
    schema_.set_pre_data("SELECT 'PRE';\n");
    schema_.set_post_data("SELECT 'POST';\n");
    schema_.set_standard_strings(true);
  }

  // Publishes the described schema and rows, with everything before 1000 durable.
  void Publish() {
    proto::Manifest manifest = testing::ManifestAt(1000);
    testing::AddHistories(schema_, &manifest);
    for (proto::Table& table : *schema_.mutable_tables())
      table.set_shape(1);  // All rows of the fixture have this
                           // shape.
    for (const proto::TableHistory& more : more_epochs_) {
      for (proto::TableHistory& history : *manifest.mutable_tables()) {
        if (history.table() == more.table()) history.MergeFrom(more);
      }
    }
    store_->Publish(StoreState::FromStored(manifest),
                    {.schema = {{Lsn(100), schema_}}, .sequences = {{Lsn(1000), sequences_}}, .shapes = {}});
  }

  std::string Seed(uint64_t lsn = 1000) {
    std::string text;
    counts_ = seed::WriteSeed(
        *store_, Lsn(lsn), [&](std::string_view piece) { text += piece; }, progress_, interrupt_);
    return text;
  }

  StoreFixture store_;
  schema::DescribedSchema described_;
  proto::SchemaVersion& schema_ = described_.schema;
  proto::SequenceValues sequences_;
  std::vector<proto::TableHistory> more_epochs_;
  NoProgress progress_;
  Interrupt interrupt_;
  seed::SeedCounts counts_;
};

TEST_F(SeedWriterTest, ASeedIsSchemaRowsSequencesAndSchema) {
  testing::AddTable(&described_, 1, "a", {{"id", kInt4Oid}, {"name"}}, {0});
  testing::AddTable(&described_, 2, "no_columns", {}, {});
  testing::AddTable(&described_, 3, "not_followed", {{"id", kInt4Oid}}, {0})->set_follow(proto::FOLLOW_SCHEMA_ONLY);
  proto::Sequence* sequence = schema_.add_sequences();
  sequence->set_id(5);
  sequence->set_schema("public");
  sequence->set_name("a_id_seq");
  sequence->set_quoted_name("public.a_id_seq");
  *sequences_.add_values() = ValueOf(42, true);
  sequences_.mutable_values(0)->set_id(5);
  testing::Write(*store_, {{.id = 2, .lsn = 10, .text = "2\ttwo"},
                           {.id = 1, .lsn = 10, .text = "1\tone"},
                           {.id = 1, .lsn = 10, .text = "", .count = 2, .table = 2},
                           {.id = 1, .lsn = 10, .text = "1", .table = 3}});
  Publish();
  const std::string expected =
      "SELECT 'PRE';\n"
      "--\n-- Data for Name: a; Type: TABLE DATA; Schema: public; Owner: -\n--\n\n"
      "COPY public.a (id, name) FROM stdin;\n"
      "1\tone\n2\ttwo\n\\.\n\n\n"
      "--\n-- Data for Name: no_columns; Type: TABLE DATA; Schema: public; Owner: -\n--\n\n"
      "COPY public.no_columns  FROM stdin;\n"
      "\n\n\\.\n\n\n"
      "--\n-- Name: a_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -\n--\n\n"
      "SELECT pg_catalog.setval('public.a_id_seq', 42, true);\n\n\n"
      "SELECT 'POST';\n";
  EXPECT_EQ(Seed(), expected);
  EXPECT_EQ(counts_.tables, 2u);
  EXPECT_EQ(counts_.rows, 4u);
  EXPECT_EQ(counts_.bytes, expected.size());
  EXPECT_EQ(Seed(), expected) << "two seeds differ";
}

TEST_F(SeedWriterTest, ALineEndInANameDoesNotEndTheComment) {
  proto::Table* table = testing::AddTable(&described_, 1, "a", {{"id", kInt4Oid}}, {0});
  table->set_name("a\nDROP TABLE b;\r");
  Publish();
  EXPECT_THAT(Seed(), ::testing::HasSubstr("-- Data for Name: a DROP TABLE b; ; Type"));
}

TEST_F(SeedWriterTest, RowsComeFromTheLsnAndItsEpoch) {
  testing::AddTable(&described_, 1, "a", {{"id", kInt4Oid}}, {0});
  testing::Write(*store_, {{.id = 1, .lsn = 200, .text = "first"},
                           {.id = 1, .lsn = 300, .text = "second"},
                           {.id = 1, .lsn = 400, .text = "after a truncate", .epoch = 1}});
  proto::TableHistory truncated;
  truncated.set_table(1);
  truncated.add_epochs()->set_number(1);
  truncated.mutable_epochs(0)->set_start_lsn(400);
  more_epochs_.push_back(truncated);
  Publish();
  auto rows = [&](uint64_t lsn) {
    std::string text = Seed(lsn);
    size_t begin = text.find("stdin;\n") + 7;
    return text.substr(begin, text.find("\\.") - begin);
  };
  EXPECT_EQ(rows(200), "");
  EXPECT_EQ(rows(201), "first\n");
  EXPECT_EQ(rows(400), "second\n");
  EXPECT_EQ(rows(401), "after a truncate\n");
}

TEST_F(SeedWriterTest, TheRestrictKeyIsWherePgDumpHasIt) {
  constexpr std::string_view kTitle = "--\n-- PostgreSQL database dump\n--\n\n";
  constexpr std::string_view kEnd = "--\n-- PostgreSQL database dump complete\n--\n\n";
  schema_.set_pre_data(std::string(kTitle) + "SELECT 'PRE';\n");
  schema_.set_drops_at(schema_.pre_data().size());
  schema_.set_post_data(std::string(kEnd));
  schema_.add_large_objects()->add_objects()->set_oid(7);
  Publish();
  std::string text;
  seed::WriteSeed(*store_, Lsn(1000), [&](std::string_view piece) { text += piece; }, progress_, interrupt_,
                  {.restrict_key = [] { return "kEy"; }});
  EXPECT_TRUE(text.starts_with(std::string(kTitle) + "\\restrict kEy\n\nSELECT 'PRE';\nSELECT pg_catalog.lo_unlink"))
      << text;
  EXPECT_TRUE(text.ends_with(std::string(kEnd) + "\\unrestrict kEy\n\n")) << text;
}

TEST_F(SeedWriterTest, ASchemaInWhichPsqlWouldFindACommandIsCorrupt) {
  schema_.set_post_data("\\! touch MARK\n");  // A store older than the schema check may contain it.
  Publish();
  EXPECT_EQ(CodeOf([&] { Seed(); }), ErrorCode::kCorrupt);
}

TEST(RestrictTest, PsqlSupportsItByVersion) {
  for (const char* text :
       {"psql (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)\n", "psql (PostgreSQL) 13.22\n", "psql (PostgreSQL) 14.19",
        "psql (PostgreSQL) 16.10", "psql (PostgreSQL) 17.6", "psql (PostgreSQL) 18beta3", "psql (PostgreSQL) 19.0"}) {
    EXPECT_TRUE(postgres::HasFixesOfAugust2025(postgres::ParseProgramVersion(text))) << text;
  }
  for (const char* text : {"psql (PostgreSQL) 15.13", "psql (PostgreSQL) 12.22", "psql (PostgreSQL) 17.5",
                           "psql (PostgreSQL) 9.6", "psql", ""}) {
    EXPECT_FALSE(postgres::HasFixesOfAugust2025(postgres::ParseProgramVersion(text))) << text;
  }
  EXPECT_EQ(postgres::NewRestrictKey().size(), 63u);
  EXPECT_NE(postgres::NewRestrictKey(), postgres::NewRestrictKey());
}

// The table is larger than what is read ahead, and has many parts.
TEST_F(SeedWriterTest, LargeTablesAreWrittenCompletelyAndInOrder) {
  std::string expected;
  for (uint32_t id = 1; id <= 3; ++id) {
    testing::AddTable(&described_, id, "t" + std::to_string(id), {{"id", kInt4Oid}, {"text"}}, {0});
    for (int64_t run = 0; run < 20; ++run) {
      std::vector<testing::Put> puts;
      for (int64_t row = 0; row < 100; ++row) {
        std::string text =
            std::to_string(run * 100 + row) + "\t" + std::string(12000, static_cast<char>('a' + row % 26));
        expected += text + "\n";
        puts.push_back({.id = run * 100 + row, .lsn = 10, .text = text, .table = id});
      }
      testing::Write(*store_, puts);
    }
  }
  Publish();
  std::string rows;
  bool in_rows = false;
  size_t largest = 0;
  counts_ = seed::WriteSeed(
      *store_, Lsn(1000),
      [&](std::string_view piece) {
        largest = std::max(largest, piece.size());
        if (piece.starts_with("\\.")) in_rows = false;
        if (in_rows) rows += piece;
        if (piece.starts_with("COPY")) in_rows = true;
      },
      progress_, interrupt_);
  EXPECT_TRUE(rows == expected);
  EXPECT_EQ(counts_.rows, 6000u);
  EXPECT_LT(largest, size_t{2} << 20);
}

class LargeSeedTest : public SeedWriterTest {
 protected:
  LargeSeedTest() {
    testing::AddTable(&described_, 1, "t", {{"id", kInt4Oid}, {"text"}}, {0});
    for (int64_t run = 0; run < 20; ++run) {
      std::vector<testing::Put> puts;
      for (int64_t row = 0; row < 100; ++row) {
        puts.push_back({.id = run * 100 + row, .lsn = 10, .text = std::string(20000, 'x')});
      }
      testing::Write(*store_, puts);
    }
  }
};

TEST_F(LargeSeedTest, AFailedWriteLeavesNoThreadWaiting) {
  Publish();
  int writes = 0;
  EXPECT_EQ(CodeOf([&] {
              seed::WriteSeed(
                  *store_, Lsn(1000),
                  [&](std::string_view) {
                    if (++writes > 5) throw Error(ErrorCode::kDisk, "full");
                  },
                  progress_, interrupt_);
            }),
            ErrorCode::kDisk);
}

TEST_F(LargeSeedTest, AnInterruptEndsIt) {
  Publish();
  int writes = 0;
  EXPECT_EQ(CodeOf([&] {
              seed::WriteSeed(
                  *store_, Lsn(1000),
                  [&](std::string_view) {
                    if (++writes > 5) interrupt_.Request();
                  },
                  progress_, interrupt_);
            }),
            ErrorCode::kInterrupted);
  EXPECT_LE(writes, 7);
}

TEST_F(LargeSeedTest, ARowThatCannotBeReadEndsTheSeed) {
  testing::Write(*store_, {testing::Partial(1500, 20, "1500\t\\u\t\\u")});
  Publish();
  EXPECT_EQ(CodeOf([&] { Seed(); }), ErrorCode::kCorrupt);
}

TEST_F(SeedWriterTest, ATableWithoutAnEpochIsCorrupt) {
  testing::AddTable(&described_, 1, "a", {{"id", kInt4Oid}}, {0});
  Publish();
  EXPECT_EQ(CodeOf([&] { Seed(0); }), ErrorCode::kCorrupt);
  proto::Manifest manifest = testing::ManifestAt(1000);
  store_->Publish(StoreState::FromStored(manifest), {});
  EXPECT_EQ(CodeOf([&] { Seed(); }), ErrorCode::kCorrupt);
}

}  // namespace
}  // namespace rotv
