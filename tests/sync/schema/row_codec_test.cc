#include "sync/schema/row_codec.h"

#include <gtest/gtest.h>

#include <random>

#include "sync/formats/copy_text.h"
#include "tests/sync/store_source.h"

namespace rotv {
namespace {

using namespace std::string_literals;
using formats::pgoutput::OldKind;
using formats::pgoutput::OldRow;
using testing::CodeOf;
using testing::ErrorOf;
using testing::IntegerKey;
using testing::kInt4Oid;
using testing::kNullValue;
using testing::kTextOid;
using testing::kToast;
using testing::TextKey;
using testing::TupleOf;
using Values = std::vector<std::string>;

class RowCodecTest : public ::testing::Test {
 protected:
  // Columns id integer, name text, picture text.
  schema::RowCodec Codec(const std::vector<uint32_t>& key_columns) {
    described_ = {};
    testing::AddTable(&described_, 1, "t", {{"id", kInt4Oid}, {"name"}, {"picture"}}, key_columns);
    return {described_.schema.tables(0), described_.new_shapes[0]};
  }

  static std::string KeyOfLine(schema::RowCodec& codec, const std::string& line) {
    std::string key = "left over";
    codec.KeyOfLine(line, &key);
    return key;
  }
  static std::string KeyOf(schema::RowCodec& codec, const Values& values, const std::optional<Values>& old = {}) {
    std::string key = "left over";
    formats::pgoutput::Tuple old_tuple = old ? TupleOf(*old) : formats::pgoutput::Tuple();
    codec.KeyOfTuple(TupleOf(values), old ? &old_tuple : nullptr, &key);
    return key;
  }
  // The line, with " ..." after it if it is incomplete.
  static std::string LineOf(schema::RowCodec& codec, const Values& values, const std::optional<Values>& old = {},
                            OldKind kind = OldKind::kFull) {
    std::string line = "left over";
    std::optional<OldRow> old_row;
    if (old) old_row = OldRow{kind, TupleOf(*old)};
    bool complete = codec.LineOfTuple(TupleOf(values), old_row ? &*old_row : nullptr, &line);
    return complete ? line : line + " ...";
  }

  schema::DescribedSchema described_;
};

TEST_F(RowCodecTest, ARowsLineAndItsTupleHaveOneKey) {
  std::mt19937 random(8);
  const std::string alphabet = "a\t\n\\\b\v\r\fNu.\x01\xFF";
  for (const std::vector<uint32_t>& key_columns :
       std::vector<std::vector<uint32_t>>{{0}, {1}, {0, 1}, {2, 0}, {1, 2, 0}}) {
    schema::RowCodec codec = Codec(key_columns);
    for (int i = 0; i < 200; ++i) {
      Values values = {std::to_string(static_cast<int32_t>(random())), "", ""};
      for (size_t column : {1, 2}) {
        for (size_t size = random() % 6; size > 0; --size) values[column] += alphabet[random() % alphabet.size()];
      }
      EXPECT_EQ(KeyOf(codec, values), KeyOfLine(codec, LineOf(codec, values)));
    }
  }
}

TEST_F(RowCodecTest, AKeyHasItsColumnsInIndexOrder) {
  schema::RowCodec codec = Codec({2, 0});
  EXPECT_EQ(KeyOf(codec, {"-5", "x", "p"}), TextKey("p") + IntegerKey(-5));
  EXPECT_EQ(KeyOfLine(codec, "-5\tx\tp"), TextKey("p") + IntegerKey(-5));
  EXPECT_EQ(KeyOfLine(codec, "-5\tx\t"), TextKey("") + IntegerKey(-5));
}

TEST_F(RowCodecTest, EscapesOfALineAreNotInItsKey) {
  schema::RowCodec codec = Codec({1});
  EXPECT_EQ(KeyOfLine(codec, "1\ta\\tb\\\\\tp"), TextKey("a\tb\\"));
  EXPECT_EQ(KeyOfLine(codec, "1\t\\\\N\tp"), TextKey("\\N"));
}

TEST_F(RowCodecTest, AKeyThatIsNullOrMissingIsRefused) {
  schema::RowCodec codec = Codec({0, 1});
  EXPECT_EQ(CodeOf([&] { KeyOfLine(codec, "1\t\\N\tp"); }), ErrorCode::kProtocol);
  EXPECT_EQ(CodeOf([&] { KeyOfLine(codec, "1"); }), ErrorCode::kProtocol);
  EXPECT_EQ(CodeOf([&] { KeyOf(codec, {"1", kNullValue, "p"}); }), ErrorCode::kProtocol);
  EXPECT_EQ(CodeOf([&] { KeyOf(codec, {"1", kToast, "p"}); }), ErrorCode::kProtocol);
  EXPECT_EQ(CodeOf([&] { KeyOf(codec, {"one", "x", "p"}); }), ErrorCode::kProtocol);
}

TEST_F(RowCodecTest, AnUnchangedKeyColumnIsInTheOldTuple) {
  schema::RowCodec codec = Codec({0, 1});
  EXPECT_EQ(KeyOf(codec, {"2", kToast, "p"}, Values{"1", "long", kNullValue}), IntegerKey(2) + TextKey("long"));
  EXPECT_EQ(CodeOf([&] {
              KeyOf(codec, {"2", kToast, "p"}, Values{"1", kNullValue, kNullValue});
            }),
            ErrorCode::kProtocol);
}

TEST_F(RowCodecTest, ARowIsWrittenAsCopyWritesIt) {
  schema::RowCodec codec = Codec({0});
  EXPECT_EQ(LineOf(codec, {"1", kNullValue, ""}), "1\t\\N\t");
  EXPECT_EQ(LineOf(codec, {"1", "\\N", "a\tb\nc\\"}), "1\t\\\\N\ta\\tb\\nc\\\\");
}

TEST_F(RowCodecTest, UnchangedColumnsWithoutAnOldRowLeaveTheLineIncomplete) {
  schema::RowCodec codec = Codec({0});
  EXPECT_EQ(LineOf(codec, {"1", "x", kToast}), "1\tx\t\\u ...");
  EXPECT_EQ(LineOf(codec, {"1", "\\u", "p"}), "1\t\\\\u\tp");
}

TEST_F(RowCodecTest, UnchangedColumnsAreInAFullOldRow) {
  schema::RowCodec codec = Codec({0});
  EXPECT_EQ(LineOf(codec, {"1", "x", kToast}, Values{"1", "w", "big\n"}), "1\tx\tbig\\n");
  EXPECT_EQ(LineOf(codec, {"1", "x", kToast}, Values{"1", "w", kNullValue}), "1\tx\t\\N");
}

TEST_F(RowCodecTest, ANullInAnOldKeyIsNotAValue) {
  schema::RowCodec codec = Codec({0});
  EXPECT_EQ(LineOf(codec, {"2", "x", kToast}, Values{"1", kNullValue, kNullValue}, OldKind::kKey), "2\tx\t\\u ...");
}

TEST_F(RowCodecTest, AnUnchangedKeyColumnIsTakenFromAnOldKey) {
  schema::RowCodec codec = Codec({0, 1});
  EXPECT_EQ(LineOf(codec, {"2", kToast, "p"}, Values{"1", "long\t", kNullValue}, OldKind::kKey), "2\tlong\\t\tp");
}

TEST_F(RowCodecTest, ARowWithAnotherNumberOfColumnsIsRefused) {
  schema::RowCodec codec = Codec({0});
  for (const Values& values : {Values{}, Values{"1", "x"}, Values{"1", "x", "p", "q"}}) {
    EXPECT_EQ(CodeOf([&] { LineOf(codec, values); }), ErrorCode::kProtocol);
    EXPECT_EQ(CodeOf([&] { KeyOf(codec, values); }), ErrorCode::kProtocol);
    EXPECT_EQ(CodeOf([&] { LineOf(codec, {"1", "x", kToast}, values); }), ErrorCode::kProtocol);
  }
}

TEST_F(RowCodecTest, AMultisetsKeyIsItsWholeLine) {
  schema::RowCodec codec = Codec({});
  EXPECT_TRUE(codec.is_multiset());
  std::string expected;
  AppendMultisetKey("1\t\\N\tp", &expected);
  EXPECT_EQ(KeyOfLine(codec, "1\t\\N\tp"), expected);
  EXPECT_NE(KeyOfLine(codec, "1\t\\N\tq"), expected);
}

formats::pgoutput::Relation RelationOfTable() {
  formats::pgoutput::Relation relation;
  relation.columns = {{true, "id", kInt4Oid, -1}, {false, "name", kTextOid, -1}, {false, "picture", kTextOid, -1}};
  return relation;
}

TEST_F(RowCodecTest, AnUnchangedRelationFits) { EXPECT_TRUE(Codec({0}).Fits(RelationOfTable())); }

TEST_F(RowCodecTest, UnderIdentityFullAConstraintsKeyIsUsed) {
  formats::pgoutput::Relation full = RelationOfTable();
  full.replica_identity = 'f';
  for (formats::pgoutput::RelationColumn& column : full.columns) column.is_identity = true;
  EXPECT_FALSE(Codec({0}).Fits(full)) << "its index may have been missing for a while";
  schema::RowCodec codec = Codec({0});
  described_.schema.mutable_tables(0)->mutable_state()->set_constraint_oid(50);
  EXPECT_TRUE(codec.Fits(full));
}

TEST_F(RowCodecTest, NamesTypesAndOrderOfColumnsMustBeTheSame) {
  std::vector<formats::pgoutput::Relation> others(5, RelationOfTable());
  others[0].columns.pop_back();
  others[1].columns.push_back({false, "more", kTextOid, -1});
  others[2].columns[1].name = "title";
  others[3].columns[1].type_oid = kInt4Oid;
  std::swap(others[4].columns[1], others[4].columns[2]);
  for (const formats::pgoutput::Relation& other : others) EXPECT_FALSE(Codec({0}).Fits(other));
}

TEST_F(RowCodecTest, TheIdentityMustBeTheKey) {
  formats::pgoutput::Relation other = RelationOfTable();
  other.columns[1].is_identity = true;
  EXPECT_FALSE(Codec({0}).Fits(other));
  EXPECT_TRUE(Codec({0, 1}).Fits(other));
  EXPECT_FALSE(Codec({1, 2}).Fits(other));
  EXPECT_FALSE(Codec({}).Fits(other)) << "a multiset needs whole old rows";
  other.replica_identity = 'f';
  EXPECT_TRUE(Codec({}).Fits(other));
}

}  // namespace
}  // namespace rotv
