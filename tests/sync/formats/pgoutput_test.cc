#include "sync/formats/pgoutput.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "storage/error.h"
#include "tests/sync/formats/captured_file.h"

namespace rotv::formats::pgoutput {
namespace {

using namespace std::string_view_literals;

const std::vector<CapturedMessage>& Captured() {
  static const std::vector<CapturedMessage> messages = ReadCapturedMessages();
  return messages;
}

template <typename T>
std::vector<T> CapturedOf() {
  std::vector<T> found;
  for (const CapturedMessage& captured : Captured()) {
    Message message = Decode(captured.bytes);
    if (const T* one = std::get_if<T>(&message)) found.push_back(*one);
  }
  return found;
}

Relation RelationNamed(std::string_view name) {
  for (const Relation& relation : CapturedOf<Relation>()) {
    if (relation.name == name) return relation;
  }
  throw std::runtime_error("no such relation was captured");
}

// The captured messages of type T about one table, in order.
template <typename T>
std::vector<T> CapturedOf(std::string_view table) {
  uint32_t oid = RelationNamed(table).oid;
  std::vector<T> found;
  for (const T& one : CapturedOf<T>()) {
    if (one.relation_oid == oid) found.push_back(one);
  }
  return found;
}

// A tuple in a short form for comparisons: "1|<null>|<toast>".
std::string Show(const Tuple& tuple) {
  std::string shown;
  for (const Column& column : tuple) {
    if (!shown.empty()) shown += '|';
    if (column.kind == Column::Kind::kNull) shown += "<null>";
    if (column.kind == Column::Kind::kUnchangedToast) shown += "<toast>";
    if (column.kind == Column::Kind::kText) shown += column.text;
  }
  return shown;
}

void ExpectProtocolError(std::string_view bytes) {
  try {
    Decode(bytes);
    ADD_FAILURE() << "decoded " << testing::PrintToString(bytes);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kProtocol);
  }
}

TEST(PgoutputTest, BeginAndCommitAgreeWithTheServersReport) {
  Begin begin;
  size_t transactions = 0;
  for (const CapturedMessage& captured : Captured()) {
    Message message = Decode(captured.bytes);
    if (const Begin* b = std::get_if<Begin>(&message)) {
      begin = *b;
      EXPECT_EQ(begin.xid, captured.xid);
      EXPECT_EQ(begin.commit_time_us, captured.commit_time_us);
    } else if (const Commit* commit = std::get_if<Commit>(&message)) {
      EXPECT_EQ(commit->end_lsn, Lsn::Parse(captured.lsn));
      EXPECT_EQ(commit->commit_lsn, begin.commit_lsn);
      EXPECT_EQ(commit->commit_time_us, captured.commit_time_us);
      EXPECT_LT(commit->commit_lsn, commit->end_lsn);
      ++transactions;
    }
  }
  EXPECT_EQ(transactions, 21u);
}

TEST(PgoutputTest, RelationNamesItsColumnsInOrder) {
  Relation kv = RelationNamed("kv");
  EXPECT_EQ(kv.schema, "public");
  EXPECT_EQ(kv.replica_identity, 'd');
  ASSERT_EQ(kv.columns.size(), 3u);
  EXPECT_EQ(kv.columns[0].name, "id");
  EXPECT_EQ(kv.columns[0].type_oid, 23u);
  EXPECT_EQ(kv.columns[0].type_modifier, -1);
  EXPECT_TRUE(kv.columns[0].is_identity);
  EXPECT_EQ(kv.columns[1].name, "note");
  EXPECT_FALSE(kv.columns[1].is_identity);
  EXPECT_EQ(kv.columns[2].type_modifier, (10 << 16 | 2) + 4);  // numeric(10, 2).
}

TEST(PgoutputTest, RelationHasItsReplicaIdentity) {
  EXPECT_EQ(RelationNamed("whole").replica_identity, 'f');
  EXPECT_TRUE(RelationNamed("whole").columns[1].is_identity);
  EXPECT_EQ(RelationNamed("by_index").replica_identity, 'i');
  EXPECT_FALSE(RelationNamed("by_index").columns[0].is_identity);
  EXPECT_TRUE(RelationNamed("by_index").columns[1].is_identity);
}

TEST(PgoutputTest, NamesMayHoldAnything) {
  Relation relation = RelationNamed("od\nd \"name");
  EXPECT_EQ(relation.columns[0].name, "co\tl");
}

TEST(PgoutputTest, RelationOfPgCatalogHasAnEmptySchema) {
  Relation relation = std::get<Relation>(Decode("R\0\0\0\x01\0t\0n\0\0"sv));
  EXPECT_EQ(relation.schema, "");
  EXPECT_EQ(relation.name, "t");
  EXPECT_TRUE(relation.columns.empty());
}

TEST(PgoutputTest, TypeComesBeforeTheRelationThatUsesIt) {
  std::vector<Type> types = CapturedOf<Type>();
  ASSERT_EQ(types.size(), 1u);
  EXPECT_EQ(types[0].schema, "public");
  EXPECT_EQ(types[0].name, "mood");
  EXPECT_EQ(types[0].oid, RelationNamed("od\nd \"name").columns[1].type_oid);
}

TEST(PgoutputTest, InsertDistinguishesNullFromEmpty) {
  std::vector<Insert> inserts = CapturedOf<Insert>("kv");
  ASSERT_EQ(inserts.size(), 4u);
  EXPECT_EQ(Show(inserts[0].row), "1|one|1.50");
  EXPECT_EQ(Show(inserts[1].row), "2|<null>|<null>");
  EXPECT_EQ(Show(inserts[2].row), "3||0.00");
}

TEST(PgoutputTest, InsertIntoATableWithoutColumnsHasAnEmptyRow) {
  ASSERT_EQ(CapturedOf<Insert>("no_columns").size(), 1u);
  EXPECT_TRUE(CapturedOf<Insert>("no_columns")[0].row.empty());
}

TEST(PgoutputTest, TextPointsIntoTheMessageAndIsNotEscaped) {
  for (const CapturedMessage& captured : Captured()) {
    Message message = Decode(captured.bytes);
    const Update* update = std::get_if<Update>(&message);
    if (update == nullptr || Show(update->row) != "1|u\tn\\o\n|1.50") continue;
    std::string_view text = update->row[1].text;
    EXPECT_GE(text.data(), captured.bytes.data());
    EXPECT_LE(text.data() + text.size(), captured.bytes.data() + captured.bytes.size());
    return;
  }
  FAIL() << "the update was not found";
}

TEST(PgoutputTest, UpdateThatKeepsTheKeyHasNoOldRow) {
  EXPECT_FALSE(CapturedOf<Update>("kv")[0].old_row);
  EXPECT_FALSE(CapturedOf<Update>("picture")[0].old_row);
}

TEST(PgoutputTest, UpdateOfTheKeyCarriesTheOldKeyOnly) {
  Update update = CapturedOf<Update>("kv")[1];
  ASSERT_TRUE(update.old_row);
  EXPECT_EQ(update.old_row->kind, OldKind::kKey);
  EXPECT_EQ(Show(update.old_row->row), "1|<null>|<null>");
  EXPECT_EQ(Show(update.row), "10|u\tn\\o\n|1.50");
}

TEST(PgoutputTest, UpdateUnderIdentityFullCarriesTheWholeOldRow) {
  Update update = CapturedOf<Update>("whole")[0];
  ASSERT_TRUE(update.old_row);
  EXPECT_EQ(update.old_row->kind, OldKind::kFull);
  EXPECT_EQ(Show(update.old_row->row), "1|a");
  EXPECT_EQ(Show(update.row), "1|b");
}

TEST(PgoutputTest, UpdateUnderAnIndexNamesTheRowByTheIndex) {
  Update update = CapturedOf<Update>("by_index")[0];
  ASSERT_TRUE(update.old_row);
  EXPECT_EQ(update.old_row->kind, OldKind::kKey);
  EXPECT_EQ(Show(update.old_row->row), "<null>|x");
}

TEST(PgoutputTest, UpdateWithUnchangedToastKeepsItsKind) {
  std::vector<Update> updates = CapturedOf<Update>("picture");
  ASSERT_EQ(updates.size(), 2u);
  EXPECT_EQ(Show(updates[0].row), "1|dog|<toast>");
  EXPECT_EQ(Show(updates[1].row), "2|dog|<toast>");
  EXPECT_TRUE(updates[0].row[2].text.empty());
}

TEST(PgoutputTest, UnchangedToastUnderIdentityFullIsInTheOldRow) {
  Update update = CapturedOf<Update>("whole_picture")[0];
  ASSERT_TRUE(update.old_row);
  EXPECT_EQ(Show(update.old_row->row), "1|cat|" + std::string(3000, 'y'));
  EXPECT_EQ(Show(update.row), "1|dog|<toast>");
}

TEST(PgoutputTest, DeleteNamesTheRowByItsKeyOrWhole) {
  Delete by_key = CapturedOf<Delete>("kv")[0];
  EXPECT_EQ(by_key.old_row.kind, OldKind::kKey);
  EXPECT_EQ(Show(by_key.old_row.row), "2|<null>|<null>");
  Delete whole = CapturedOf<Delete>("whole")[0];
  EXPECT_EQ(whole.old_row.kind, OldKind::kFull);
  EXPECT_EQ(Show(whole.old_row.row), "1|<null>");
}

TEST(PgoutputTest, TruncateListsEveryTableItReaches) {
  std::vector<Truncate> truncates = CapturedOf<Truncate>();
  ASSERT_EQ(truncates.size(), 2u);
  EXPECT_FALSE(truncates[0].cascade);
  EXPECT_FALSE(truncates[0].restart_identity);
  EXPECT_EQ(truncates[0].relation_oids, std::vector<uint32_t>{RelationNamed("kv").oid});
  EXPECT_TRUE(truncates[1].cascade);
  EXPECT_TRUE(truncates[1].restart_identity);
  EXPECT_EQ(truncates[1].relation_oids,
            (std::vector<uint32_t>{RelationNamed("parent").oid, RelationNamed("child").oid}));
}

TEST(PgoutputTest, TruncateFlagsAreDistinguished) {
  Truncate cascade = std::get<Truncate>(Decode("T\0\0\0\0\x01"sv));
  EXPECT_TRUE(cascade.cascade);
  EXPECT_FALSE(cascade.restart_identity);
  Truncate restart = std::get<Truncate>(Decode("T\0\0\0\0\x02"sv));
  EXPECT_FALSE(restart.cascade);
  EXPECT_TRUE(restart.restart_identity);
}

TEST(PgoutputTest, LogicalMessageSaysIfItIsTransactional) {
  std::vector<LogicalMessage> messages = CapturedOf<LogicalMessage>();
  ASSERT_EQ(messages.size(), 2u);
  EXPECT_TRUE(messages[0].transactional);
  EXPECT_EQ(messages[0].prefix, "in a transaction");
  EXPECT_EQ(messages[0].content, "content");
  EXPECT_FALSE(messages[1].transactional);
  EXPECT_EQ(messages[1].prefix, "on its own");
  EXPECT_EQ(messages[1].content, "");
}

TEST(PgoutputTest, OriginNamesTheSourceOfATransaction) {
  std::vector<Origin> origins = CapturedOf<Origin>();
  ASSERT_EQ(origins.size(), 1u);
  EXPECT_EQ(origins[0].name, "elsewhere");
  EXPECT_EQ(origins[0].lsn.ToString(), "16/B374D848");
}

TEST(PgoutputTest, EveryTypeOfMessageWasCaptured) {
  std::map<size_t, int> seen;
  for (const CapturedMessage& captured : Captured()) ++seen[Decode(captured.bytes).index()];
  EXPECT_EQ(seen.size(), std::variant_size_v<Message>);
}

TEST(PgoutputTest, EveryTruncationOfEveryMessageIsAProtocolError) {
  for (const CapturedMessage& captured : Captured()) {
    // A copy of exactly that size lets AddressSanitizer see a read beyond it.
    for (size_t size = 0; size < captured.bytes.size(); ++size) {
      std::vector<char> truncated(captured.bytes.begin(), captured.bytes.begin() + static_cast<ptrdiff_t>(size));
      ExpectProtocolError(std::string_view(truncated.data(), truncated.size()));
    }
  }
}

TEST(PgoutputTest, OneByteTooManyIsAProtocolError) {
  for (const CapturedMessage& captured : Captured()) {
    for (char extra : {'\0', 'n', '\xff'}) ExpectProtocolError(captured.bytes + extra);
  }
}

TEST(PgoutputTest, UnknownMessageIsAProtocolError) {
  ExpectProtocolError("X");
  ExpectProtocolError("S\0\0\0\x01\0"sv);  // Stream Start belongs to version 2.
}

TEST(PgoutputTest, UnknownKindInsideAMessageIsAProtocolError) {
  ExpectProtocolError("I\0\0\0\x01X\0\0"sv);
  ExpectProtocolError("I\0\0\0\x01N\0\x01x"sv);
  ExpectProtocolError(
      "I\0\0\0\x01N\0\x01"
      "b\0\0\0\x01z"sv);  // Binary values were not requested.
  ExpectProtocolError("U\0\0\0\x01X\0\0N\0\0"sv);
  ExpectProtocolError("U\0\0\0\x01K\0\0K\0\0"sv);
  ExpectProtocolError("D\0\0\0\x01N\0\0"sv);
  ExpectProtocolError("R\0\0\0\x01\0t\0x\0\0"sv);
  ExpectProtocolError("T\0\0\0\0\x04"sv);
}

TEST(PgoutputTest, CountOrLengthBeyondTheMessageIsAProtocolError) {
  ExpectProtocolError("I\0\0\0\x01N\xff\xffn"sv);
  ExpectProtocolError("I\0\0\0\x01N\0\x01t\xff\xff\xff\xffz"sv);
  ExpectProtocolError("T\xff\xff\xff\xff\0\0\0\0\x01"sv);
  ExpectProtocolError("R\0\0\0\x01\0t\0n\xff\xff"sv);
}

}  // namespace
}  // namespace rotv::formats::pgoutput
