// The seeds of the corpora: captured from a real server where they are its bytes (tests/sync/formats/captured), else
// written by the encoders. ROTV_WRITE_CORPUS=1 writes them into tests/fuzz/corpus; files that libFuzzer found and that
// were put there by hand stay.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <string>
#include <vector>

#include "proto/snapshot_file.pb.h"
#include "storage/change_log.h"
#include "storage/checked_file.h"
#include "storage/compress.h"
#include "storage/row_key.h"
#include "storage/row_version.h"
#include "storage/store_seal.h"
#include "storage/store_state.h"
#include "sync/history/snapshot_file.h"
#include "tests/fuzz/fuzz_directory.h"
#include "tests/sync/formats/captured_file.h"

namespace rotv {
namespace {

struct CorpusSeed {
  std::string target;
  std::string name;
  std::string bytes;
};
using CorpusSeeds = std::vector<CorpusSeed>;

std::string Number(uint64_t value) {
  std::string bytes;
  AppendBigEndian64(value, &bytes);
  return bytes;
}

void AddStream(CorpusSeeds* seeds) {
  const std::vector<CapturedMessage> captured = ReadCapturedMessages();
  std::string kinds, all;
  for (size_t i = 0; i < captured.size(); ++i) {
    const std::string& message = captured[i].bytes;
    all += {'\0', '\0', static_cast<char>(i)};
    // One message of each kind is enough, and each INSERT, UPDATE and Relation is another one.
    const bool varies = std::string("IUR").find(message[0]) != std::string::npos && i % 4 == 0;
    if (kinds.find(message[0]) != std::string::npos && !varies) continue;
    kinds += message[0];
    const std::string name = fmt::format("{}-{}", message[0], i);
    seeds->push_back({"pgoutput", name, message});
    seeds->push_back({"wal_frame", name, "w" + Number(i * 4096) + Number(i * 4096 + 99) + Number(1) + message});
  }
  seeds->push_back({"wal_frame", "keepalive", "k" + Number(0x16B374D848) + Number(712345678901234) + '\1'});
  seeds->push_back({"applier", "all", all});
  seeds->push_back({"applier", "half", all.substr(0, all.size() / 6 * 3)});
  std::string spelled;
  for (size_t i = 0; i < 14 && i < captured.size(); ++i) {
    const std::string& message = captured[i].bytes;
    spelled += {static_cast<char>(message.size() >> 8), static_cast<char>(message.size())};
    spelled += message;
  }
  seeds->push_back({"applier", "spelled", spelled});
}

void AddTexts(CorpusSeeds* seeds) {
  const std::string bytes = FromHex(ReadCaptured("copy_bytes.hex"));
  for (size_t at = 0; at < bytes.size(); at += 300) {
    seeds->push_back({"copy_text", fmt::format("bytes-{}", at), bytes.substr(at, 300)});
  }
  seeds->push_back({"copy_text", "row", "1\t\\N\tlong text \\\\ with \\t and \\n\t\\\\x00ff\t\xC3\xA4"});
  seeds->push_back({"copy_text", "tuple", "\1one\n\xE2\x82\xAC\nback\\slash\n"});
  for (const char* name : {"empty", "no_post_data", "only_trigger", "inconvenient", "tablespace"}) {
    const std::string post = ReadCaptured(std::string(name) + ".post.sql");
    const std::string all = ReadCaptured(std::string(name) + ".all.sql");
    seeds->push_back({"dump_sections", name, post});
    if (all.size() < 1000) seeds->push_back({"dump_sections", std::string(name) + "-both", all + post});
  }
  seeds->push_back({"sql_text", "schema", ReadCaptured("dump.sql")});
  seeds->push_back({"sql_text", "dump", ReadCaptured("inconvenient.post.sql")});
  seeds->push_back(
      {"sql_text", "policy",
       "\nCREATE POLICY \"a b\" ON public.t AS RESTRICTIVE FOR SELECT TO \"Anna\"\"s\", boss USING (true);\n"
       "\nCREATE USER MAPPING FOR anna SERVER s OPTIONS (x 'y');\n"});
  seeds->push_back(
      {"sql_text", "quotes",
       "SELECT E'a\\'b', 'it''s', U&\"d\\0061t\", $q$ ' $$ $q$, 1.5e-3::int -- c\n/* /* */ */\n\\d :NAME\n"});
  seeds->push_back({"sql_text", "names", "anna\npublic\nBoss \"x\"\n"});
}

// The example of storage/FORMAT.md.
void AddRowValues(CorpusSeeds* seeds) {
  std::string key, text_key, version;
  AppendIntegerKey("258", &key);
  AppendTextKey(std::string("a\0b", 3), &text_key);
  seeds->push_back({"row_values", "key", EncodeVersionKey({16385, 0, key, Lsn(0x1A2B3C0)})});
  seeds->push_back({"row_values", "integer", key});
  seeds->push_back({"row_values", "text", text_key + key});
  AppendRowVersion({.kind = RowVersion::Kind::kRow, .shape = 1, .count = 300, .text = "258\ta\t\\N"}, &version);
  seeds->push_back({"row_values", "row", version});
  seeds->push_back({"row_values", "tombstone", "T"});
  seeds->push_back({"row_values", "partial", "258\tb\t\\u\n258\ta\tnote\n"});
  seeds->push_back({"row_values", "numbers", "-9223372036854775808\n17"});
  seeds->push_back({"row_values", "lsn", "16/B374D848"});
}

void AddStoredFiles(CorpusSeeds* seeds) {
  const FuzzDirectory directory;
  proto::CurrentStore current;
  current.set_directory("store-1");
  current.mutable_objects()->set_slot("rotv_sync_slot");
  current.add_kept("store-2");
  current.add_obsolete("store-0");
  WriteCheckedFile(directory / "current", current.SerializeAsString());
  seeds->push_back({"source_records", "current", directory.Read("current")});
  proto::OwnedList owned;
  *owned.add_objects() = current.objects();
  owned.mutable_objects(0)->mutable_way()->set_ssh("root@db.example.org");
  std::string both = current.SerializeAsString();
  both.insert(both.begin(), static_cast<char>((both.size() + 3) / 4));
  seeds->push_back({"source_records", "records", both + owned.SerializeAsString()});
  SealFile seal(directory.path());
  proto::StoredFiles files;
  files.set_manifest_number(5);
  files.set_manifest_bytes(1234);
  (*files.mutable_log_bytes())[9] = 77;
  seal.Write(7, files);
  seal.Write(8, files);
  seeds->push_back({"store_seal", "seal", directory.Read("seal")});
  ChangeLogBuilder log;
  log.Begin(Lsn(800), 1, 7);
  log.Add(16385, 1, ChangeLogBuilder::Change::kInsert, "key");
  log.Truncate(16386, 2);
  log.Commit();
  const std::string chunk = log.Take(ChangeLogBuilder::Which::kAll).at(0).second;
  seeds->push_back({"stored_messages", "chunk", chunk});
  seeds->push_back({"stored_messages", "chunk-plain", ZstdDecompress(chunk)});
  StoreState state = StoreState::AtBaseline({.slot = "s", .publication = "p"}, Lsn(800), {.time_us = 1, .xid = 2}, {});
  state.AddEpoch(1, state.ReserveEpoch(1), Lsn(799));
  state.AddEpoch(2, state.ReserveEpoch(2), Lsn(799));
  state.BeginPull();
  (void)state.Truncate(1, Lsn(808));
  state.EndPullWithResync(Lsn(900), {}, {}, StoreState::History::kBroken);
  proto::Snapshot snapshot;
  snapshot.set_name("friday");
  snapshot.set_lsn(850);
  state.AddSnapshot(snapshot);
  seeds->push_back({"stored_messages", "manifest", state.manifest().SerializeAsString()});
}

void AddSnapshotFile(CorpusSeeds* seeds) {
  const FuzzDirectory directory;
  std::string plain;
  history::SnapshotFileWriter writer(directory / "file.rotv", nullptr);
  const auto write = [&](const proto::SnapshotRecord& record) {
    writer.Write(record);
    const std::string bytes = record.SerializeAsString();
    AppendBigEndian32(static_cast<uint32_t>(bytes.size()), &plain);
    plain += bytes;
  };
  proto::SnapshotRecord record;
  proto::SnapshotHead& head = *record.mutable_head();
  head.set_format(history::kSnapshotFileFormat);
  head.set_source("production");
  head.mutable_snapshot()->set_name("friday");
  head.mutable_snapshot()->set_lsn(900);
  head.mutable_schema()->set_pre_data("CREATE TABLE t (id int);\n");
  head.mutable_schema()->add_tables()->set_id(1);
  head.add_shapes()->set_id(1);
  write(record);
  proto::SnapshotRows& rows = *record.mutable_rows();
  rows.set_table(1);
  for (int64_t id = 1; id <= 3; ++id) {
    proto::SnapshotRow& row = *rows.add_rows();
    AppendIntegerKey(std::to_string(id), row.mutable_key());
    row.set_line(std::to_string(id));
    row.set_count(1);
  }
  write(record);
  record.mutable_end()->set_rows(3);
  write(record);
  writer.Commit();
  seeds->push_back({"snapshot_file", "file", directory.Read("file.rotv")});
  seeds->push_back({"snapshot_file", "records", plain});
}

void AddLines(const std::string& target, std::initializer_list<const char*> lines, CorpusSeeds* seeds) {
  size_t number = 0;
  for (const char* line : lines) seeds->push_back({target, std::to_string(++number), line});
}

void AddPeoplesTexts(CorpusSeeds* seeds) {
  AddLines("point_time",
           {"now", "2026-01-31", "2024-02-29T24:00Z", "2026-01-31 12:00:30.25+01:30", "1969-12-31 23:59:59.999999-0130",
            "10 minutes ago", "an hour ago", "999999 weeks ago", "yesterday 18:00", "today"},
           seeds);
  AddLines("env_file",
           {"# settings\nexport A=1\nPGDATABASE = shop # the database\n",
            "KEY=\"-----BEGIN-----\nline \\\"two\\\" \\$x\\n\"\r\nB='as $it is'\n",
            "\xEF\xBB\xBF"
            "A=\n\n  B= x y  \n",
            "A='open\n", "1A=2\n", "A\n", "A=\"x\" y\n"},
           seeds);
  AddLines("json_mask",
           {"$.user.email\n\n{\"user\": {\"email\": \"a@b.c\", \"age\": 12}, \"id\": 1}",
            "$.orders[*].phone\n$..email\n\n{\"orders\": [{\"phone\": 1}, {\"email\": [\"x\", null, true]}]}",
            "$..a[0]\n$.*.name\n\n[[1.50, \"\\u00e4\"], {\"name\": {\"first\": \"x\"}}]", "$.a\n\n{\"a\": 1e400}",
            "$[0\n\n[]", "$..*\n\n\"text\""},
           seeds);
  AddLines(
      "row_condition",
      {"created_at >= 2026-01-01\n\3"
       "2026-01-31\n0044-03-15 BC\n",
       "status <> 'it''s'\n\5it's\nits\n", "\"Odd \"\"name\" is not null\n\1-12.50\n012.5\n", "n<=5\n\1NaN\nInfinity\n",
       "t != 2026-01-01 10:00:00.5+00\n\4"
       "2026-01-01 10:00:00.500000+00\ninfinity\n",
       "b = true\n\10t\nFALSE\n",
       "f > 1e5\n\2"
       "1e-300\n-0\n",
       "c = 'x  '\n\7x\nx  \n", "u = 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'\n\6a\nA\n"},
      seeds);
  AddLines(
      "config",
      {"[sources.production]\nssh = \"root@db.example.org:2222\"\ncontainer = \"postgres\"\ndatabase = \"shop\"\n"
       "user = \"rotv\"\nexclude = [\"public.page_views\"]\nstall_timeout = 60\n",
       "[sources.staging]\nurl = \"postgresql://rotv@db.example.org:5433/shop?sslmode=verify-full\"\ntrust = true\n"
       "[history]\nkeep_days = 7\nlimit = \"20G\"\n",
       "[app]\ncompose = \"docker-compose.yml\"\nport = 3000\ncompression = \"zstd\"\nsuperuser = true\n"
       "allow_env = [\"REDIS_URL\"]\n[schema]\nmigrations = \"db/migrations\"\n",
       "[sources.p]\nhost = \"h\"\nport = 5432\ndatabase = \"d\"\nuser = \"u\"\n[mask]\nunknown = \"null\"\n"
       "\"public.users.email\" = \"email\"\n\"*.*.phone\" = { rule = \"constant\", value = \"1\" }\n"
       "\"public.t.doc\" = { rule = \"json\", paths = { \"$..mail\" = \"email\" } }\n"
       "\"public.log\" = { rule = \"where\", all = [\"created_at >= 2026-01-01\"] }\n\"public.big\" = { rule = "
       "\"sample\", percent = 5 }\n",
       "[sources.p]\npassword = \"x\"\n", "sources = 1\n", "[sources.\"a b\"]\nhost = 1979-05-27T07:32:00Z\n"},
      seeds);
  AddLines(
      "seed_note",
      {"{\n  \"file\": \"1-10-1.000000001\",\n  \"baseline\": \"0/320 17\",\n  \"source\": \"production\",\n"
       "  \"snapshot\": \"head\",\n  \"lsn\": \"16/B374D848\",\n  \"data_time_us\": 1764000000000000,\n"
       "  \"sql_bytes\": 10,\n  \"roles\": [\"anna\"]\n}\n",
       "{\"runtime\": \"podman\", \"ready\": true, \"port\": 3000, \"persistent\": false, \"source\": \"production\", "
       "\"snapshot\": \"head\", \"lsn\": \"0/1\", \"data_time_us\": 1, \"started_time_us\": 2}",
       "{\"file\": 1}", "[]", "{\"roles\": {}, \"data_time_us\": 1e99}"},
      seeds);
}

// A member of a tar, as the entrypoint's tar writes it.
std::string TarMember(const std::string& name, char type, const std::string& content) {
  std::string block(512, '\0');
  const auto put = [&](size_t offset, const std::string& text) { block.replace(offset, text.size(), text); };
  put(0, name);
  put(100, "0000600");
  put(124, fmt::format("{:011o}", content.size()));
  put(148, "        ");
  put(156, std::string(1, type));
  put(257, std::string("ustar\0"
                       "00",
                       8));
  unsigned sum = 0;
  for (const char c : block) sum += static_cast<unsigned char>(c);
  put(148, fmt::format("{:06o}", sum) + '\0' + ' ');
  std::string padded = content;
  padded.resize((content.size() + 511) / 512 * 512, '\0');
  return block + padded;
}

void AddWarmTar(CorpusSeeds* seeds) {
  const std::string end(1024, '\0');
  const std::vector<std::string> archives = {
      TarMember("./", '5', "") + TarMember("./base/", '5', "") + TarMember("./base/PG_VERSION", '0', "15\n") + end,
      TarMember("../../escaped", '0', "x") + end, TarMember("link", '2', "") + end,
      TarMember("same", '0', "1") + TarMember("same", '0', "2") + end, TarMember("cut", '0', "no end")};
  for (size_t i = 0; i < archives.size(); ++i) seeds->push_back({"warm_tar", std::to_string(i + 1), archives[i]});
}

CorpusSeeds AllSeeds() {
  CorpusSeeds seeds;
  AddStream(&seeds);
  AddTexts(&seeds);
  AddRowValues(&seeds);
  AddStoredFiles(&seeds);
  AddSnapshotFile(&seeds);
  AddPeoplesTexts(&seeds);
  AddWarmTar(&seeds);
  return seeds;
}

TEST(FuzzFilesTest, TheCorporaHaveTheirSeeds) {
  const std::filesystem::path corpus = std::filesystem::path(ROTV_SOURCE_DIR) / "tests/fuzz/corpus";
  for (const CorpusSeed& seed : AllSeeds()) {
    const std::filesystem::path file = corpus / seed.target / ("seed-" + seed.name);
    if (std::getenv("ROTV_WRITE_CORPUS") != nullptr) {
      std::filesystem::create_directories(file.parent_path());
      std::ofstream(file, std::ios::binary) << seed.bytes;
    }
    EXPECT_TRUE(std::filesystem::exists(file)) << file << ": ROTV_WRITE_CORPUS=1 writes it";
  }
}

}  // namespace
}  // namespace rotv
