#include "sync/postgres/large_objects.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/row_key.h"
#include "sync/seed/large_object_writer.h"

namespace rotv {
namespace {

// Rows of (object, offset, bytes) from a list in order.
class Rows : public RowScan {
 public:
  Rows(const std::vector<std::string>& lines, const std::string& first_key) : lines_(lines) {
    while (next_ < lines_.size() && KeyAt(next_) < first_key) ++next_;
  }
  bool Next() override { return next_ < lines_.size() && (line_ = lines_[next_++], true); }
  std::string_view line() const override { return line_; }
  std::string_view row_key() const override { return {}; }
  uint32_t Find(std::string_view) override { return 0; }  // Not called.

 private:
  std::string KeyAt(size_t index) const {
    std::string key;
    AppendIntegerKey(lines_[index].substr(0, lines_[index].find('\t')), &key);
    return key;
  }
  const std::vector<std::string>& lines_;
  size_t next_ = 0;
  std::string line_;
};

class LargeObjectsTest : public ::testing::Test {
 protected:
  LargeObjectsTest() {
    schema_.set_standard_strings(true);
    schema_.set_pre_data("SET x;\nDROP INDEX i;\nDROP TABLE t;\n");
    schema_.set_drops_at(std::string("SET x;\nDROP INDEX i;\n").size());
  }

  void AddGroup(const std::vector<uint32_t>& oids) {
    proto::LargeObjectGroup* group = schema_.add_large_objects();
    for (uint32_t oid : oids) group->add_objects()->set_oid(oid);
  }

  std::string PreData() {
    text_.clear();
    seed::LargeObjectWriter(schema_, write_).WritePreData();
    return text_;
  }
  std::string Data() {
    text_.clear();
    seed::LargeObjectWriter(schema_, write_).WriteData([this](const std::string& first_key) {
      return std::make_unique<Rows>(lines_, first_key);
    });
    return text_;
  }

  proto::SchemaVersion schema_;
  std::vector<std::string> lines_ = {"7\t0\t\\\\x", "900\t0\t\\\\x6162", "900\t16384\t\\\\x63", "1000\t0\t\\\\x64"};
  std::string text_;
  const seed::LargeObjectWriter::Write write_ = [this](std::string_view piece) { text_ += piece; };
};

TEST_F(LargeObjectsTest, OneBlockHasAllIfTheSchemaCreatesThem) {
  EXPECT_EQ(PreData(), schema_.pre_data());
  EXPECT_EQ(Data(),
            "--\n-- Data for Name: BLOBS; Type: BLOBS; Schema: -; Owner: -\n--\n\nBEGIN;\n\n"
            "SELECT pg_catalog.lo_open('7', 131072);\nSELECT pg_catalog.lo_close(0);\n\n"
            "SELECT pg_catalog.lo_open('900', 131072);\nSELECT pg_catalog.lowrite(0, '\\x6162');\n"
            "SELECT pg_catalog.lowrite(0, '\\x63');\nSELECT pg_catalog.lo_close(0);\n\n"
            "SELECT pg_catalog.lo_open('1000', 131072);\nSELECT pg_catalog.lowrite(0, '\\x64');\n"
            "SELECT pg_catalog.lo_close(0);\n\nCOMMIT;\n\n\n");
  lines_.clear();
  EXPECT_EQ(Data(), "");
}

TEST_F(LargeObjectsTest, GroupsAreDroppedCreatedAndFilledInTurn) {
  AddGroup({1000});
  AddGroup({7, 900});
  schema_.mutable_large_objects(1)->mutable_objects(0)->set_comment("it's");
  const std::string unlink = "SELECT pg_catalog.lo_unlink(oid) FROM pg_catalog.pg_largeobject_metadata WHERE oid = ";
  EXPECT_EQ(PreData(),
            "SET x;\nDROP INDEX i;\n" + unlink + "'7';\n" + unlink + "'900';\n" + unlink + "'1000';\nDROP TABLE t;\n");
  EXPECT_EQ(Data(),
            "--\n-- Name: 1000; Type: BLOB METADATA; Schema: -; Owner: -\n--\n\n"
            "SELECT pg_catalog.lo_create('1000');\n\n\n"
            "--\n-- Name: 7..900; Type: BLOB METADATA; Schema: -; Owner: -\n--\n\n"
            "SELECT pg_catalog.lo_create('7');\nSELECT pg_catalog.lo_create('900');\n\n\n"
            "--\n-- Name: LARGE OBJECT 7; Type: COMMENT; Schema: -; Owner: -\n--\n\n"
            "COMMENT ON LARGE OBJECT 7 IS 'it''s';\n\n\n"
            "--\n-- Data for Name: 1000; Type: BLOBS; Schema: -; Owner: -\n--\n\nBEGIN;\n\n"
            "SELECT pg_catalog.lo_open('1000', 131072);\nSELECT pg_catalog.lowrite(0, '\\x64');\n"
            "SELECT pg_catalog.lo_close(0);\n\nCOMMIT;\n\n\n"
            "--\n-- Data for Name: 7..900; Type: BLOBS; Schema: -; Owner: -\n--\n\nBEGIN;\n\n"
            "SELECT pg_catalog.lo_open('7', 131072);\nSELECT pg_catalog.lo_close(0);\n\n"
            "SELECT pg_catalog.lo_open('900', 131072);\nSELECT pg_catalog.lowrite(0, '\\x6162');\n"
            "SELECT pg_catalog.lowrite(0, '\\x63');\nSELECT pg_catalog.lo_close(0);\n\nCOMMIT;\n\n\n");
}

TEST_F(LargeObjectsTest, BackslashesAreDoubledIfTheSourceTreatsThemAsEscapes) {
  schema_.set_standard_strings(false);
  EXPECT_THAT(Data(), ::testing::HasSubstr("lowrite(0, '\\\\x6162')"));
}

}  // namespace
}  // namespace rotv
