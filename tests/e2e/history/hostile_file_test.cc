// A snapshot file is as untrusted as a source: whatever it contains, it is refused with exit 7 within 256 MiB of
// memory, and nothing of it is imported; or it is signed, and then nothing else is refused.

#include <gmock/gmock.h>
#include <zstd.h>

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <random>

#include "sync/formats/parsed_size.h"
#include "sync/history/snapshot_file.h"
#include "tests/support/servers/rotv_home.h"

namespace rotv::testing {
namespace {

using namespace std::string_literals;
using ::testing::HasSubstr;

class HostileFileTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    home_ = std::make_unique<RotvHome>(RotvHomeOptions{.binary = ROTV_SYNC_BINARY, .way = Way::kDirect});
    home_->server().Exec(
        "CREATE TABLE t (id int PRIMARY KEY, name text); INSERT INTO t VALUES (1, 'first'), (2, 'second');"
        "CREATE TABLE bag (name text); INSERT INTO bag VALUES ('twice'), ('twice'); CREATE SEQUENCE s");
    home_->MustSync({"baseline"});
    home_->MustSync({"snapshot", "export", "head", Path("good.rotv")});
  }
  static void TearDownTestSuite() { home_.reset(); }

  static std::filesystem::path Path(const std::string& name) { return home_->directory() / name; }

  static Result Import(const std::filesystem::path& file, const std::vector<std::string>& more = {}) {
    std::filesystem::remove_all(Path("colleague"));
    Command command = home_->SyncCommand({});
    command.argv = {ROTV_SYNC_BINARY, "--home", Path("colleague"), "snapshot", "import", file, "--as", "it"};
    command.argv.insert(command.argv.end(), more.begin(), more.end());
    return RunCommand(command);
  }

  static void ExpectRefused(const Result& result, const std::string& what) {
    EXPECT_EQ(result.exit_status, 7) << what << ": " << result.err;
    EXPECT_LT(result.peak_rss_kib, 256 << 10) << what;
    EXPECT_FALSE(std::filesystem::exists(Path("colleague/sources/it"))) << what;
  }

  // Changes one record of the good file.
  using Change = std::function<void(proto::SnapshotRecord&)>;
  static std::filesystem::path Changed(const Change& change) {
    history::SnapshotFileReader reader(Path("good.rotv"), nullptr);
    history::SnapshotFileWriter writer(Path("changed.rotv"), nullptr);
    for (proto::SnapshotRecord record; reader.Next(&record);) {
      change(record);
      writer.Write(record);
    }
    writer.Commit();
    return Path("changed.rotv");
  }

  // A file with the good one's head and bytes that our writer never produces.
  static std::filesystem::path Raw(const std::function<void(SeedOutput&)>& write) {
    std::unique_ptr<SeedOutput> out = OpenSeedOutput(Path("raw.rotv"), Compression::kZstd);
    history::SnapshotFileReader reader(Path("good.rotv"), nullptr);
    proto::SnapshotRecord head;
    reader.Next(&head);
    WriteRecord(*out, head.SerializeAsString());
    write(*out);
    out->Commit();
    return Path("raw.rotv");
  }
  static void WriteLength(SeedOutput& out, size_t size) {
    std::string length;
    for (int shift = 24; shift >= 0; shift -= 8) length.push_back(static_cast<char>(size >> shift));
    out.Write(length);
  }
  static void WriteRecord(SeedOutput& out, const std::string& bytes) {
    WriteLength(out, bytes.size());
    out.Write(bytes);
  }
  // A field of protobuf with `content`.
  static std::string Field(int number, const std::string& content) {
    std::string bytes(1, static_cast<char>(number << 3 | 2));
    for (size_t size = content.size(); size >= 0x80; size >>= 7) bytes.push_back(static_cast<char>(size | 0x80));
    size_t rest = content.size();
    while (rest >= 0x80) rest >>= 7;
    bytes.push_back(static_cast<char>(rest));
    return bytes + content;
  }
  static std::string Repeated(const std::string& piece, size_t size) {
    std::string text;
    while (text.size() < size) text += piece;
    return text;
  }

  static std::unique_ptr<RotvHome> home_;
};
std::unique_ptr<RotvHome> HostileFileTest::home_;

proto::Table* TableNamed(proto::SnapshotRecord& record, const std::string& name) {
  for (proto::Table& table : *record.mutable_head()->mutable_schema()->mutable_tables()) {
    if (table.name() == name) return &table;
  }
  return nullptr;
}

TEST_F(HostileFileTest, FilesThatNoExportWritesAreRefused) {
  const auto head = [](const std::function<void(proto::SnapshotHead&)>& change) -> Change {
    return [=](proto::SnapshotRecord& record) {
      if (record.has_head()) change(*record.mutable_head());
    };
  };
  const auto table = [](const std::function<void(proto::Table&)>& change) -> Change {
    return [=](proto::SnapshotRecord& record) {
      if (record.has_head()) change(*TableNamed(record, "t"));
    };
  };
  const auto row = [](const std::function<void(proto::SnapshotRow&)>& change) -> Change {
    return [=](proto::SnapshotRecord& record) {
      if (!record.has_rows()) return;
      for (proto::SnapshotRow& each : *record.mutable_rows()->mutable_rows()) {
        if (each.line() == "1\tfirst") change(each);
      }
    };
  };
  const auto line = [&](const std::string& text) { return row([=](auto& each) { each.set_line(text); }); };
  const std::string evil = "\n\\.\n\\! touch MARK\n";
  const std::pair<const char*, Change> cases[] = {
      {"a command in a row", line("1\tfirst" + evil)},
      {"the end of the rows", line("\\.")},
      {"two lines", line("1\tfirst\n3\tthird")},
      {"a field missing", line("1")},
      {"a field too many", line("1\tfirst\tx")},
      {"an unknown escape", line("1\t\\!")},
      {"an unchanged field", line("1\t\\u")},
      {"no UTF-8", line("1\t\xff")},
      {"no copy of a row", row([](auto& each) { each.set_count(0); })},
      {"copies of a row with a key", row([](auto& each) { each.set_count(2); })},
      {"a command in the schema",
       head([&](auto& it) { it.mutable_schema()->mutable_pre_data()->append("\\! touch MARK\n"); })},
      {"rows in the schema",
       head([&](auto& it) { it.mutable_schema()->mutable_post_data()->append("COPY t FROM stdin;\n"); })},
      {"an open quote", head([&](auto& it) { it.mutable_schema()->mutable_pre_data()->append("SELECT '"); })},
      {"DROPs in the middle", head([&](auto& it) { it.mutable_schema()->set_drops_at(10); })},
      {"DROPs after the end", head([&](auto& it) { it.mutable_schema()->set_drops_at(UINT64_MAX); })},
      {"other strings", head([&](auto& it) { it.mutable_schema()->set_standard_strings(false); })},
      {"a sequence's name",
       head([&](auto& it) { it.mutable_schema()->mutable_sequences(0)->set_quoted_name("s'" + evil); })},
      {"a zero byte in a comment", head([&](auto& it) {
         proto::LargeObject* object = it.mutable_schema()->add_large_objects()->add_objects();
         object->set_comment("a\0b"s);
       })},
      {"an empty group of large objects", head([&](auto& it) { it.mutable_schema()->add_large_objects(); })},
      {"an encoding of clients", head([&](auto& it) { it.mutable_identity()->set_encoding("SJIS"); })},
      {"no position", head([&](auto& it) { it.mutable_snapshot()->set_lsn(0); })},
      {"a shape twice", head([&](auto& it) { *it.add_shapes() = it.shapes(0); })},
      {"no shapes", head([&](auto& it) { it.clear_shapes(); })},
      {"a table twice", head([&](auto& it) { *it.mutable_schema()->add_tables() = it.schema().tables(0); })},
      {"a value for older rows",
       head([&](auto& it) { it.mutable_shapes(0)->mutable_columns(0)->set_missing("x" + evil); })},
      {"a table's name", table([&](auto& it) { it.set_quoted_name("public.t FROM stdin;" + evil); })},
      {"a list of columns", table([&](auto& it) { it.set_copy_columns("(id) FROM stdin;" + evil); })},
      {"a root's name", table([&](auto& it) { it.set_load_through("root;" + evil); })},
      {"a key that is no column", table([&](auto& it) { it.set_key_columns(0, 99); })},
      {"a key without its kind", table([&](auto& it) { it.clear_key_is_integer(); })},
      {"rows that are not in the order of their keys",
       [](auto& record) {
         if (record.has_rows() && record.rows().rows_size() == 2)
           record.mutable_rows()->mutable_rows()->SwapElements(0, 1);
       }},
      {"a row twice",
       [](auto& record) {
         if (record.has_end()) record.mutable_end()->set_rows(record.end().rows() + 1);
         if (!record.has_rows() || record.rows().rows_size() != 2) return;
         *record.mutable_rows()->add_rows() = record.rows().rows(1);
       }},
      {"rows of no table",
       [](auto& record) {
         if (record.has_rows()) record.mutable_rows()->set_table(7);
       }},
      {"another number of rows",
       [](auto& record) {
         if (record.has_end()) record.mutable_end()->set_rows(9);
       }},
      {"no end",
       [](auto& record) {
         if (record.has_end()) record.mutable_rows()->set_table(7);
       }},
  };
  for (const auto& [what, change] : cases) ExpectRefused(Import(Changed(change)), what);
  EXPECT_EQ(Import(Changed([](auto&) {})).exit_status, 0);
}

// Bytes that are few in the file and would be many in memory.
TEST_F(HostileFileTest, MemoryIsBoundedForEveryFile) {
  constexpr size_t kMost = history::kLargestUnsignedRecord;
  const std::string zeros(size_t{1} << 20, '\0');
  const auto in_head = [](const std::string& schema) { return Field(1, Field(6, schema)); };
  ExpectRefused(Import(Raw([&](SeedOutput& out) {
                  WriteLength(out, size_t{1'900} << 20);
                  for (int i = 0; i < 1'900; ++i) out.Write(zeros);
                })),
                "one record of zeros");
  // Each is made when its turn comes: what this process has is counted as the import's from its fork on.
  const std::pair<const char*, std::function<std::string()>> cases[] = {
      {"empty rows", [] { return Field(2, Repeated("\x12\x00"s, kMost - 100)); }},
      {"empty tables", [&] { return in_head(Repeated("\x1a\x00"s, kMost - 100)); }},
      {"empty columns", [&] { return in_head(Field(3, Field(11, Repeated("\x0a\x00"s, kMost - 100)))); }},
      {"packed numbers", [&] { return in_head(Field(3, Field(8, std::string(kMost - 100, '\1')))); }},
      {"unknown fields", [] { return Field(2, Repeated("\xf8\x01\x01"s, kMost - 100)); }},
      {"empty strings",
       [&] { return in_head(Field(3, Field(15, Field(1, Field(3, Repeated("\x3a\x00"s, kMost - 200)))))); }},
      {"an unknown part", [] { return Field(9, std::string(kMost - 100, 'x')); }},
  };
  for (const auto& [what, make] : cases) {
    const std::filesystem::path file = Raw([&, &make_record = make](SeedOutput& out) {
      const std::string record = make_record();
      ASSERT_LE(record.size(), kMost) << what;
      WriteRecord(out, record);
    });
    ExpectRefused(Import(file), what);
  }
  std::string nested;
  for (int i = 0; i < 5'000; ++i) nested = Field(6, Field(2, nested));
  ExpectRefused(
      Import(Raw([&](SeedOutput& out) { WriteRecord(out, in_head(Field(3, Field(15, Field(1, Field(3, nested)))))); })),
      "rules in rules");
}

TEST_F(HostileFileTest, AWindowLargerThanOursIsRefused) {
  {  // All of it is freed before the import begins, whose memory is counted from its fork on.
    std::unique_ptr<ZSTD_CCtx, size_t (*)(ZSTD_CCtx*)> context(ZSTD_createCCtx(), ZSTD_freeCCtx);
    ZSTD_CCtx_setParameter(context.get(), ZSTD_c_windowLog, 27);
    const std::string content(size_t{160} << 20, '\0');
    std::string packed(ZSTD_compressBound(content.size()), '\0');
    ZSTD_outBuffer out{packed.data(), packed.size(), 0};
    ZSTD_inBuffer in{content.data(), content.size(), 0};
    ASSERT_EQ(ZSTD_compressStream2(context.get(), &out, &in, ZSTD_e_end), 0u);
    WriteFile(Path("window.rotv"), packed.substr(0, out.pos));
  }
  const Result result = Import(Path("window.rotv"));
  EXPECT_EQ(result.exit_status, 2) << result.err;  // Its first byte shows that it is no snapshot file.
  EXPECT_LT(result.peak_rss_kib, 100 << 10);
}

TEST_F(HostileFileTest, TheLargestRowsOfAnUnsignedFileFit) {
  home_->server().Exec("CREATE TABLE large (id int PRIMARY KEY, t text)");
  home_->server().Exec("INSERT INTO large SELECT n, repeat('x', 31 << 20) FROM generate_series(1, 4) n");
  home_->MustSync({"pull"});
  home_->MustSync({"snapshot", "export", "head", Path("large.rotv")});
  Result result = Import(Path("large.rotv"));
  EXPECT_EQ(result.exit_status, 0) << result.err;
  EXPECT_LT(result.peak_rss_kib, 256 << 10);
  // Larger rows need a signature.
  home_->server().Exec("INSERT INTO large VALUES (5, repeat('y', 40 << 20))");
  home_->MustSync({"pull"});
  result = home_->Sync({"snapshot", "export", "head", Path("large.rotv")});
  EXPECT_THAT(result.err, HasSubstr("without a signature it cannot be imported"));
  result = Import(Path("large.rotv"));
  ExpectRefused(result, "a large row");
  EXPECT_THAT(result.err, HasSubstr("--verify"));
  const nlohmann::json exported =
      nlohmann::json::parse(home_->MustSync({"--json", "snapshot", "export", "--sign", "head", Path("large.rotv")}));
  EXPECT_EQ(Import(Path("large.rotv"), {"--verify", exported.at("public_key")}).exit_status, 0);
  home_->server().Exec("DROP TABLE large");
  home_->MustSync({"pull"});
}

TEST_F(HostileFileTest, ASignedFileIsImportedOnlyUnchanged) {
  const std::filesystem::path file = Path("signed.rotv");
  const Result exported = home_->Sync({"--json", "snapshot", "export", "head", file, "--sign"});
  ASSERT_TRUE(exported.ok()) << exported.err;
  const std::string key = nlohmann::json::parse(exported.out).at("public_key");
  const std::filesystem::path secret = home_->home() / "signing-key";
  EXPECT_EQ(std::filesystem::status(secret).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  WriteFile(Path("key.pub"), key + "\n");
  EXPECT_EQ(Import(file, {"--verify", key}).exit_status, 0);
  EXPECT_EQ(Import(file, {"--verify", Path("key.pub")}).exit_status, 0);
  EXPECT_EQ(Import(file).exit_status, 0) << "without a request it is imported all the same";
  MustRun({.argv = {"zstd", "-tq", file}});
  // The next export uses the same key.
  EXPECT_EQ(
      nlohmann::json::parse(home_->MustSync({"--json", "snapshot", "export", "head", file, "--sign"})).at("public_key"),
      key);

  const auto refused = [&](const std::filesystem::path& path, const std::string& by, const std::string& why) {
    const Result result = Import(path, {"--verify", by});
    ExpectRefused(result, why);
    EXPECT_THAT(result.err, HasSubstr(why));
  };
  refused(Path("good.rotv"), key, "is not signed");
  refused(file, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "is signed by another key, " + key);
  const std::string good = ReadFile(file);
  constexpr size_t kFrame = 112;
  std::mt19937 random(3);
  for (int round = 0; round < 8; ++round) {
    std::string bad = good;
    bad[random() % (good.size() - kFrame)] ^= 0x10;
    WriteFile(Path("bad.rotv"), bad);
    refused(Path("bad.rotv"), key, "was changed after it was signed");
  }
  WriteFile(Path("bad.rotv"),
            good.substr(0, good.size() - kFrame) + ReadFile(Path("good.rotv")) + good.substr(good.size() - kFrame));
  refused(Path("bad.rotv"), key, "was changed after it was signed");
  std::string bad = good;
  bad.back() ^= 1;
  WriteFile(Path("bad.rotv"), bad);
  refused(Path("bad.rotv"), key, "was changed after it was signed");
  WriteFile(Path("bad.rotv"), good + "x");
  refused(Path("bad.rotv"), key, "is not signed");
  WriteFile(Path("bad.rotv"), "");
  refused(Path("bad.rotv"), key, "is not signed");

  for (const std::string& no_key : {""s, "monday"s, key.substr(1), Path("good.rotv").native()}) {
    EXPECT_EQ(Import(file, {"--verify", no_key}).exit_status, 2) << no_key;
  }
  EXPECT_EQ(Import("/dev/null", {"--verify", key}).exit_status, 2);
  std::filesystem::permissions(secret, std::filesystem::perms::group_read, std::filesystem::perm_options::add);
  EXPECT_EQ(home_->Sync({"snapshot", "export", "head", file, "--sign"}).exit_status, 2);
}

// The message itself is the judge: an accepted one takes no more than estimated, once it is parsed.
TEST_F(HostileFileTest, MemoryForParsingIsNotUnderestimated) {
  const std::string pieces[] = {
      Field(2, Repeated("\x12\x00"s, 10'000)),
      Field(2, Repeated("\x12\x02\x0a\x00"s, 10'000)),
      Field(2, Repeated("\xf8\x01\x01"s, 10'000)),
      Field(1, Field(6, Repeated("\x1a\x00"s, 10'000))),
      Field(1, Field(6, Repeated("\x22\x04\x0a\x00\x12\x00"s, 10'000))),
      Field(1, Field(6, Field(3, Field(8, std::string(10'000, '\1'))))),
      Field(1, Field(6, Field(3, Field(9, std::string(10'000, '\1'))))),
      Field(1, Field(6, Field(3, Field(11, Repeated("\x0a\x00"s, 10'000))))),
      Field(1, Field(6, Field(3, Field(15, Field(1, Field(3, Repeated("\x3a\x00"s, 10'000))))))),
      Field(1, Field(6, Field(3, Field(15, Field(1, Field(3, Repeated("\x32\x00"s, 10'000))))))),
      Field(1, Field(7, Repeated("\x0a\x00"s, 10'000))),
      Field(1, Field(8, Repeated("\x12\x02\x0a\x00"s, 10'000))),
  };
  for (const std::string& bytes : pieces) {
    SCOPED_TRACE(&bytes - pieces);
    proto::SnapshotRecord record;
    ASSERT_TRUE(record.ParseFromString(bytes));
    EXPECT_GT(record.SpaceUsedLong(), 10'000u);
    EXPECT_FALSE(formats::FitsWhenParsed(*proto::SnapshotRecord::descriptor(), bytes, record.SpaceUsedLong() - 1));
    EXPECT_TRUE(formats::FitsWhenParsed(*proto::SnapshotRecord::descriptor(), bytes, 12 * record.SpaceUsedLong()));
  }
  EXPECT_FALSE(formats::FitsWhenParsed(*proto::SnapshotRecord::descriptor(), "\x0a\x05", 1'000'000));
}

}  // namespace
}  // namespace rotv::testing
