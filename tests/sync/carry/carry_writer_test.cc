#include "sync/carry/carry_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "sync/carry/carry_sql.h"
#include "tests/support/no_progress.h"
#include "tests/sync/store_source.h"

namespace rotv::carry {
namespace {

using ::testing::HasSubstr;
using testing::kInt4Oid;
using testing::Tombstone;

constexpr uint32_t kLargeObjects = 2613;

class CarryWriterTest : public ::testing::Test {
 protected:
  CarryWriterTest() {
    schema_.set_pre_data("SELECT 'PRE';\n");
    schema_.set_post_data("SELECT 'POST';\n");
    schema_.set_standard_strings(true);
  }

  // Says in the change log that these rows were touched by one transaction.
  void Log(uint64_t lsn, TableId table, EpochNumber epoch, const std::vector<std::string>& keys) {
    ChangeLogBuilder builder;
    builder.Begin(Lsn(lsn), 1, 1);
    for (const std::string& key : keys) builder.Add(table, epoch, ChangeLogBuilder::Change::kUpdate, key);
    builder.Commit();
    store_->WriteLog(builder.Take(ChangeLogBuilder::Which::kAll));
  }
  void Log(uint64_t lsn, TableId table, const std::vector<int64_t>& ids) {
    std::vector<std::string> keys;
    for (int64_t id : ids) keys.push_back(testing::IntegerKey(id));
    Log(lsn, table, 0, keys);
  }

  void Publish() {
    proto::Manifest manifest = testing::ManifestAt(1000);
    testing::AddHistories(schema_, &manifest);
    for (const proto::TableHistory& more : more_epochs_) {
      for (proto::TableHistory& history : *manifest.mutable_tables()) {
        if (history.table() == more.table()) history.MergeFrom(more);
      }
    }
    for (proto::Table& table : *schema_.mutable_tables()) table.set_shape(1);  // That of all rows of the fixture.
    std::vector<proto::Shape> shapes = {testing::ShapeOf(1, 1, {{"id", kInt4Oid}, {"name"}})};
    store_->Publish(StoreState::FromStored(manifest),
                    {.schema = {{Lsn(100), schema_}}, .sequences = {{Lsn(1000), sequences_}}, .shapes = shapes});
  }

  // An epoch after the first one, from `lsn` on.
  void BeginEpoch(TableId table, uint64_t lsn) {
    proto::TableHistory history;
    history.set_table(table);
    history.add_epochs()->set_number(1);
    history.mutable_epochs(0)->set_start_lsn(lsn);
    more_epochs_.push_back(history);
  }

  // Returns the text between the beginning and the end, without SettleText().
  std::string Carry(uint64_t from, uint64_t to) {
    std::string text;
    counts_ = WriteCarryText(
        *store_, {.from = Lsn(from), .to = Lsn(to), .from_schema = schema_, .to_schema = schema_}, nullptr,
        [&](std::string_view piece) { text += piece; }, progress_, interrupt_);
    EXPECT_EQ(counts_.bytes, text.size());
    const std::string begin = BeginText("UTF8");
    const std::string end(EndText());
    EXPECT_TRUE(text.starts_with(begin) && text.ends_with(end)) << text;
    text = text.substr(begin.size(), text.size() - begin.size() - end.size());
    const std::string settle = SettleText("UTF8");
    for (size_t at = 0; (at = text.find(settle)) != std::string::npos;) text.erase(at, settle.size());
    return text;
  }

  proto::Table* AddKeyed(uint32_t id, const std::string& name) {
    return testing::AddTable(&described_, id, name, {{"id", kInt4Oid}, {"name"}}, {0});
  }

  testing::StoreFixture store_;
  schema::DescribedSchema described_;
  proto::SchemaVersion& schema_ = described_.schema;
  proto::SequenceValues sequences_;
  std::vector<proto::TableHistory> more_epochs_;
  testing::NoProgress progress_;
  Interrupt interrupt_;
  CarryCounts counts_;
};

TEST_F(CarryWriterTest, OnlyRowsThatDifferAreRemovedAndWritten) {
  AddKeyed(1, "a");
  AddKeyed(2, "untouched");
  testing::Write(*store_, {{.id = 1, .lsn = 10, .text = "1\tone"},
                           {.id = 2, .lsn = 10, .text = "2\ttwo"},
                           {.id = 3, .lsn = 10, .text = "3\tthree"},
                           {.id = 5, .lsn = 10, .text = "5\tfive"},
                           {.id = 1, .lsn = 10, .text = "1\tother", .table = 2},
                           {.id = 2, .lsn = 150, .text = "2\tTWO"},
                           Tombstone(3, 150),
                           {.id = 4, .lsn = 150, .text = "4\t\\N"},
                           {.id = 5, .lsn = 150, .text = "5\tfive"}});
  Log(150, 1, {2, 3, 4, 5});
  Publish();
  const std::string begin =
      "COPY pg_temp.rotv_table FROM stdin;\npublic.a\t{\"id\"}\t\n\\.\nCALL pg_temp.rotv_begin();\n"
      "CALL pg_temp.rotv_await_keys();\nCOPY pg_temp.rotv_key FROM stdin;\n";
  EXPECT_EQ(Carry(100, 200), begin +
                                 "2\n3\n\\.\nCALL pg_temp.rotv_remove(2);\n"
                                 "COPY public.a (id, name) FROM stdin;\n2\tTWO\n4\t\\N\n\\.\n"
                                 "CALL pg_temp.rotv_end();\n");
  EXPECT_EQ(counts_.tables, 1U);
  EXPECT_EQ(counts_.rows, 3U);
  EXPECT_EQ(counts_.reloaded_rows, 0U);
  EXPECT_EQ(Carry(200, 100), begin +
                                 "2\n4\n\\.\nCALL pg_temp.rotv_remove(2);\n"
                                 "COPY public.a (id, name) FROM stdin;\n2\ttwo\n3\tthree\n\\.\n"
                                 "CALL pg_temp.rotv_end();\n");
  EXPECT_EQ(Carry(150, 150), "");
  EXPECT_EQ(Carry(200, 900), "");
  EXPECT_EQ(counts_.tables, 0U);
}

TEST_F(CarryWriterTest, NamesOfTheSourceAreRows) {
  proto::Table* table = testing::AddTable(&described_, 1, "a", {{"id", kInt4Oid}, {"name"}}, {1});
  table->set_quoted_name("public.\"a\\\nb\"");
  table->set_filter(" WHERE\tid > 1");
  testing::Write(*store_, {{.id = 1, .lsn = 150, .text = "1\tone"}});
  BeginEpoch(1, 140);
  testing::Write(*store_, {{.id = 1, .lsn = 145, .text = "1\tone", .epoch = 1}});
  Publish();
  EXPECT_THAT(Carry(100, 200), HasSubstr("COPY pg_temp.rotv_table FROM stdin;\npublic.\"a\\\\\\nb\"\t{\"name\"}\t "
                                         "WHERE\\tid > 1\n\\.\n"));
}

TEST_F(CarryWriterTest, AMultisetIsReloadedIfItDiffers) {
  testing::AddTable(&described_, 1, "bag", {{"id", kInt4Oid}, {"name"}}, {});
  testing::Write(*store_, {{.id = 1, .lsn = 10, .text = "1\tone", .count = 2},
                           {.id = 2, .lsn = 10, .text = "2\ttwo"},
                           {.id = 1, .lsn = 150, .text = "1\tone", .count = 3}});
  Log(150, 1, {1, 2});
  Log(250, 1, {2});
  Publish();
  EXPECT_EQ(Carry(100, 200),
            "COPY pg_temp.rotv_table FROM stdin;\npublic.bag\t{}\t\n\\.\nCALL pg_temp.rotv_begin();\n"
            "CALL pg_temp.rotv_empty();\n"
            "COPY public.bag (id, name) FROM stdin;\n1\tone\n1\tone\n1\tone\n2\ttwo\n\\.\n"
            "CALL pg_temp.rotv_end();\n");
  EXPECT_EQ(counts_.tables, 1U);
  EXPECT_EQ(counts_.rows, 4U);
  EXPECT_EQ(counts_.reloaded_rows, 4U);
  EXPECT_EQ(Carry(200, 300), "") << "it was touched, and is as it was";
}

TEST_F(CarryWriterTest, ATableOfAnotherEpochIsComparedAsAWhole) {
  AddKeyed(1, "a");
  BeginEpoch(1, 140);
  testing::Write(*store_, {{.id = 1, .lsn = 10, .text = "1\tone"},
                           {.id = 2, .lsn = 10, .text = "2\ttwo"},
                           {.id = 1, .lsn = 145, .text = "1\tone", .epoch = 1},
                           {.id = 3, .lsn = 145, .text = "3\tthree", .epoch = 1}});
  Publish();
  const std::string text = Carry(100, 200);
  EXPECT_THAT(text, HasSubstr("rotv_key FROM stdin;\n2\n\\.\nCALL pg_temp.rotv_remove(1);\n"));
  EXPECT_THAT(text, HasSubstr("FROM stdin;\n3\tthree\n\\.\n"));
  EXPECT_THAT(Carry(200, 100), HasSubstr("rotv_key FROM stdin;\n3\n\\.\nCALL pg_temp.rotv_remove(1);\n"));
}

TEST_F(CarryWriterTest, ATableThatIsNotStreamedIsLeftAloneWithinItsEpoch) {
  AddKeyed(1, "a")->set_follow(proto::FOLLOW_COPY);
  testing::Write(*store_, {{.id = 1, .lsn = 10, .text = "1\tone"}});
  Publish();
  EXPECT_EQ(Carry(100, 200), "");
}

TEST_F(CarryWriterTest, PartitionsThatAreLoadedThroughTheirRootAreReloadedTogether) {
  for (uint32_t id : {1, 2}) AddKeyed(id, "part" + std::to_string(id))->set_load_through("public.root");
  testing::Write(*store_, {{.id = 1, .lsn = 10, .text = "1\tone"},
                           {.id = 2, .lsn = 10, .text = "2\ttwo", .table = 2},
                           {.id = 2, .lsn = 150, .text = "2\tTWO", .table = 2}});
  Log(150, 2, {2});
  Publish();
  EXPECT_EQ(
      Carry(100, 200),
      "COPY pg_temp.rotv_table FROM stdin;\npublic.root\t{\"id\"}\t\n\\.\nCALL pg_temp.rotv_begin();\n"
      "CALL pg_temp.rotv_empty();\n"
      "COPY public.root (id, name) FROM stdin;\n1\tone\n\\.\nCOPY public.root (id, name) FROM stdin;\n2\tTWO\n\\.\n"
      "CALL pg_temp.rotv_end();\n");
  EXPECT_EQ(counts_.tables, 1U);
  EXPECT_EQ(Carry(200, 300), "");
}

TEST_F(CarryWriterTest, SequencesAndViewsFollowTheRows) {
  AddKeyed(1, "a");
  proto::Sequence* sequence = schema_.add_sequences();
  sequence->set_id(5);
  sequence->set_quoted_name("public.\"S\"");
  proto::SequenceValue* value = sequences_.add_values();
  value->set_id(5);
  value->set_last_value(-3);
  value->set_is_called(true);
  schema_.set_post_data(
      "CREATE INDEX i ON a;\nREFRESH MATERIALIZED VIEW public.b;\n\nREFRESH MATERIALIZED VIEW a.\"a\";\n");
  testing::Write(*store_, {{.id = 1, .lsn = 150, .text = "1\tone"}});
  Log(150, 1, {1});
  Publish();
  const std::string sequences =
      "COPY pg_temp.rotv_sequence FROM stdin;\npublic.\"S\"\t-3\ttrue\n\\.\nCALL pg_temp.rotv_set_sequences();\n";
  EXPECT_THAT(Carry(100, 200),
              ::testing::EndsWith(sequences +
                                  "COPY pg_temp.rotv_view FROM stdin;\n1\tpublic.b\n2\ta.\"a\"\n\\.\nRESET datestyle;\n"
                                  "RESET intervalstyle;\nCALL pg_temp.rotv_refresh();\n"));
  EXPECT_EQ(Carry(200, 300), sequences) << "no table changes";
}

class CarryObjectsTest : public CarryWriterTest {
 protected:
  CarryObjectsTest() {
    proto::Table* table =
        testing::AddTable(&described_, kLargeObjects, "pg_largeobject", {{"loid", kInt4Oid}, {"name"}}, {0});
    table->set_follow(proto::FOLLOW_COPY);
    table->add_key_columns(1);
    table->add_key_is_integer(true);
    BeginEpoch(kLargeObjects, 140);
  }
  void AddChunk(uint32_t object, int offset, const std::string& hex, EpochNumber epoch) {
    VersionBuffer buffer(VersionBuffer::Index::kNewest);
    const std::string text = std::to_string(object) + "\t" + std::to_string(offset) + "\t\\\\x" + hex;
    buffer.Put({.table = kLargeObjects,
                .epoch = epoch,
                .row_key = testing::IntegerKey(object) + testing::IntegerKey(offset),
                .commit_lsn = Lsn(epoch == 0 ? 10 : 145)},
               {.kind = RowVersion::Kind::kRow, .shape = 1, .count = 1, .text = text});
    store_->Write(buffer);
  }
};

TEST_F(CarryObjectsTest, ObjectsThatDifferAreCreatedRemovedAndRewritten) {
  for (EpochNumber epoch : {0U, 1U}) {
    AddChunk(7, 0, "61", epoch);
    AddChunk(8, 0, "62", epoch);
    AddChunk(8, 16384, epoch == 0 ? "63" : "64", epoch);
  }
  AddChunk(9, 0, "65", 0);
  AddChunk(10, 0, "", 1);
  Publish();
  EXPECT_EQ(Carry(100, 200),
            "COPY pg_temp.rotv_object FROM stdin;\n8\tt\tt\n9\tt\tf\n10\tf\tt\n\\.\n"
            "COPY pg_temp.rotv_page FROM stdin;\n8\t0\t\\\\x62\n8\t16384\t\\\\x64\n10\t0\t\\\\x\n\\.\n"
            "CALL pg_temp.rotv_change_objects();\n");
  EXPECT_EQ(counts_.tables, 1U);
  EXPECT_EQ(Carry(200, 900), "");
}

TEST_F(CarryObjectsTest, CommentsFollowTheirObjects) {
  AddChunk(7, 0, "61", 0);
  AddChunk(7, 0, "62", 1);
  AddChunk(8, 0, "61", 0);
  AddChunk(8, 0, "61", 1);
  AddChunk(9, 0, "61", 1);
  Publish();
  proto::SchemaVersion before = schema_, after = schema_;
  before.set_pre_data("COMMENT ON LARGE OBJECT 7 IS 'kept';\nCOMMENT ON LARGE OBJECT 8 IS 'removed';\n");
  after.set_pre_data("COMMENT ON LARGE OBJECT 7 IS 'kept';\nCOMMENT ON LARGE OBJECT 9 IS 'of a new one';\n");
  std::string text;
  auto carry = [&](uint64_t from, uint64_t to) {
    text.clear();
    WriteCarryText(
        *store_,
        {.from = Lsn(from),
         .to = Lsn(to),
         .from_schema = from < to ? before : after,
         .to_schema = from < to ? after : before},
        nullptr, [&](std::string_view piece) { text += piece; }, progress_, interrupt_);
  };
  carry(100, 200);
  EXPECT_THAT(text, HasSubstr("COPY pg_temp.rotv_comment FROM stdin;\n8\t\\N\n9\tof a new one\n\\.\n"));
  carry(200, 100);
  EXPECT_THAT(text, HasSubstr("COPY pg_temp.rotv_comment FROM stdin;\n8\tremoved\n\\.\n"));
}

TEST_F(CarryWriterTest, ChangesThatDoNotFitIntoMemoryAreWrittenInTwoWalks) {
  AddKeyed(1, "a");
  const std::string wide(1 << 20, 'x');
  std::vector<int64_t> ids;
  for (int64_t id = 1; id <= 40; ++id) {
    testing::Write(*store_, {{.id = id, .lsn = 10, .text = std::to_string(id) + "\told"},
                             {.id = id, .lsn = 150, .text = std::to_string(id) + "\t" + wide}});
    ids.push_back(id);
  }
  Log(150, 1, ids);
  Publish();
  const std::string text = Carry(100, 200);
  EXPECT_THAT(text,
              HasSubstr("\n39\n40\n\\.\nCALL pg_temp.rotv_remove(40);\nCOPY public.a (id, name) FROM stdin;\n1\tx"));
  EXPECT_TRUE(text.ends_with("x\n\\.\nCALL pg_temp.rotv_end();\n"));
  EXPECT_EQ(std::count(text.begin(), text.end(), 'x'), 40 * static_cast<ptrdiff_t>(wide.size()));
  EXPECT_EQ(counts_.rows, 40U);
  EXPECT_EQ(counts_.reloaded_rows, 0U);
}

TEST_F(CarryWriterTest, ATextInWhichPsqlWouldFindACommandIsCorrupt) {
  schema_.set_post_data("\\! touch MARK\n");
  Publish();
  EXPECT_EQ(testing::CodeOf([&] { Carry(100, 200); }), ErrorCode::kCorrupt);
}

TEST_F(CarryWriterTest, TheLogReachesFromWhereGcHasLeftIt) {
  proto::Manifest manifest = testing::ManifestAt(1000);
  manifest.set_log_from_lsn(300);
  store_->Publish(StoreState::FromStored(manifest), {});
  EXPECT_TRUE(LogReaches(*store_, Lsn(300), Lsn(900)));
  EXPECT_FALSE(LogReaches(*store_, Lsn(299), Lsn(900)));
  EXPECT_FALSE(LogReaches(*store_, Lsn(900), Lsn(299)));
}

}  // namespace
}  // namespace rotv::carry
