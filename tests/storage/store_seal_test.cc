#include "storage/store_seal.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "fmt/format.h"
#include "storage/atomic_file.h"
#include "storage/workspace.h"
#include "tests/storage/store_fixture.h"

namespace rotv {
namespace {

namespace fs = std::filesystem;
using testing::Lines;
using testing::TempDir;

constexpr uint64_t kStep = 10;

// Publication n adds one row, whose line is the LSN n * kStep, and makes it visible; it also adds a schema and a chunk
// of the log, of a size that has RocksDB begin new logs.
void PublishNext(RowStore& store, size_t log_bytes) {
  const uint64_t lsn = store.state().durable_lsn().value();
  testing::Write(store, {{.id = static_cast<int64_t>(lsn), .lsn = lsn, .text = std::to_string(lsn)}});
  std::string key;
  AppendBigEndian64(lsn, &key);
  store.WriteLog({{key + std::string(4, '\0'), std::string(log_bytes, 'x')}});
  RowStore::Addition addition;
  proto::SchemaVersion schema;
  schema.set_pre_data(std::to_string(lsn));
  addition.schema = {Lsn(lsn), schema};
  store.Publish(testing::StateAt(lsn + kStep), addition);
}

void MakeSealedStore(const fs::path& path, int publications, size_t log_bytes = 100) {
  const auto store = RowStore::Open(path, RowStore::Mode::kCreate);
  store->Publish(testing::StateAt(kStep), {});
  for (int i = 0; i < publications; ++i) PublishNext(*store, log_bytes);
}

// Fails unless the store is what one of its publications was, `oldest` or a later one.
void ExpectIsAPublication(const RowStore& store, uint64_t oldest, const std::string& what) {
  const uint64_t durable = store.state().durable_lsn().value();
  EXPECT_GE(durable, oldest) << what;
  std::vector<std::string> expected;
  for (uint64_t lsn = kStep; lsn < durable; lsn += kStep) expected.push_back(std::to_string(lsn));
  EXPECT_EQ(Lines(store, durable), expected) << what;
  if (expected.empty()) return;
  EXPECT_EQ(store.SchemaAt(Lsn(durable)).pre_data(), expected.back()) << what;
  EXPECT_EQ(store.SchemaLsns().size(), expected.size()) << what;
}

// Opens the store for reading, then for writing. Gives the number of refusals, 0 to 2.
int OpenBothWays(const fs::path& path, uint64_t oldest, const std::string& what) {
  int refused = 0;
  for (const RowStore::Mode mode : {RowStore::Mode::kReadOnly, RowStore::Mode::kReadWrite}) {
    try {
      ExpectIsAPublication(*RowStore::Open(path, mode), oldest, what);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kCorrupt) << what << ": " << error.what();
      ++refused;
    }
  }
  return refused;
}

const auto* const seal_children = ::testing::AddGlobalTestEnvironment(new testing::ChildEnvironment({
    {"publish until killed",
     [](const fs::path& path) {
       const auto store = RowStore::Open(path, RowStore::Mode::kReadWrite);
       std::cout << "open" << std::endl;
       while (true) {
         PublishNext(*store, size_t{1} << 20);
         store->Compact();
       }
     }},
}));

class StoreSealTest : public ::testing::Test {
 protected:
  // The only file in `store` whose name has this beginning or end.
  static fs::path FileOf(const fs::path& store, const std::string& part) {
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator(store)) {
      const std::string name = entry.path().filename();
      if (name.starts_with(part) || name.ends_with(part)) found.push_back(entry.path());
    }
    EXPECT_EQ(found.size(), 1U) << part;
    return found.at(0);
  }
  fs::path Copy() {
    fs::remove_all(directory_ / "copy");
    fs::copy(directory_ / "store", directory_ / "copy");
    return directory_ / "copy";
  }

  TempDir directory_;
};

TEST_F(StoreSealTest, AFileThatLostItsEndNeverGivesAnOlderState) {
  constexpr int kPublications = 12;
  MakeSealedStore(directory_ / "store", kPublications);
  constexpr uint64_t kDurable = (kPublications + 1) * kStep;
  for (const char* part : {"MANIFEST-", ".log", "seal", "CURRENT"}) {
    const uint64_t size = fs::file_size(FileOf(directory_ / "store", part));
    const uint64_t step = std::string(part) == "MANIFEST-" ? 1 : 7;
    int refused = 0, tried = 0;
    for (uint64_t cut = 1; cut <= std::min<uint64_t>(size, 600); cut += step, ++tried) {
      const fs::path copy = Copy();
      fs::resize_file(FileOf(copy, part), size - cut);
      refused += OpenBothWays(copy, kDurable, fmt::format("{} shortened by {}", part, cut)) > 0 ? 1 : 0;
    }
    // Only the seal has bytes to spare: its other slot is one behind, which is in order.
    if (std::string(part) != "seal") {
      EXPECT_EQ(refused, tried) << part;
    }
    EXPECT_GT(refused, 0) << part;
  }
}

TEST_F(StoreSealTest, AMissingFileIsNoticed) {
  MakeSealedStore(directory_ / "store", 5);
  for (const char* part : {"MANIFEST-", ".log", "seal", "CURRENT"}) {
    const fs::path copy = Copy();
    fs::remove(FileOf(copy, part));
    EXPECT_GT(OpenBothWays(copy, 6 * kStep, part), 0) << part;
  }
}

// Whoever copies a home directory while a pull runs gets files of different moments.
TEST_F(StoreSealTest, ACopyMadeWhilePullsRunIsRightOrRefused) {
  MakeSealedStore(directory_ / "store", 3);
  std::mt19937 dice(20261129);
  int refused = 0, opened = 0;
  for (int round = 0; round < 40; ++round) {
    testing::Process writer(testing::RoleCommand("publish until killed", directory_ / "store"));
    ASSERT_TRUE(writer.WaitForOutput("open", std::chrono::seconds(60)));
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(directory_ / "store")) files.push_back(entry.path());
    std::shuffle(files.begin(), files.end(), dice);
    fs::remove_all(directory_ / "copy");
    fs::create_directory(directory_ / "copy");
    const auto copy_all = [&](const std::vector<fs::path>& some) {
      std::error_code gone;
      for (const fs::path& file : some) fs::copy_file(file, directory_ / "copy" / file.filename(), gone);
    };
    copy_all(files);
    std::vector<fs::path> later;  // Files that have come in the meantime: some copies have them.
    for (const auto& entry : fs::directory_iterator(directory_ / "store")) {
      if (std::find(files.begin(), files.end(), entry.path()) == files.end()) later.push_back(entry.path());
    }
    if (round % 2 == 0) copy_all(later);
    writer.Signal(SIGKILL);
    writer.Wait();
    const int result = OpenBothWays(directory_ / "copy", kStep, fmt::format("round {}", round));
    (result > 0 ? refused : opened) += 1;
    // The store itself is right whenever its process was killed.
    ExpectIsAPublication(*RowStore::Open(directory_ / "store", RowStore::Mode::kReadOnly), kStep, "killed");
  }
  RecordProperty("refused", refused);
  EXPECT_GT(refused, 0);
}

TEST_F(StoreSealTest, ATornSlotLeavesTheOneBefore) {
  MakeSealedStore(directory_ / "store", 4);
  const fs::path seal = directory_ / "store/seal";
  const std::string good = ReadFile(seal);
  const std::optional<Seal> last = ReadSeal(directory_ / "store");
  ASSERT_TRUE(last);
  std::string torn = good;
  torn[last->state_number % 2 * 512 + 20] ^= 1;
  WriteNewFile(seal, torn);
  EXPECT_EQ(ReadSeal(directory_ / "store")->state_number, last->state_number - 1);
  EXPECT_EQ(OpenBothWays(directory_ / "store", 5 * kStep, "one slot"), 0);
}

TEST_F(StoreSealTest, FilesThatWereReplacedAreFoundNewer) {
  proto::StoredFiles named;
  named.set_manifest_number(5);
  named.set_manifest_bytes(100);
  (*named.mutable_log_bytes())[4] = 10;
  const auto accepted = [&](const proto::StoredFiles& found, uint64_t oldest_log = 0) {
    try {
      CheckStoredFiles("store", named, found, oldest_log);
      return true;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kCorrupt);
      return false;
    }
  };
  EXPECT_TRUE(accepted(named));
  proto::StoredFiles found = named;
  found.set_manifest_bytes(99);
  EXPECT_FALSE(accepted(found));
  found.set_manifest_bytes(101);
  EXPECT_TRUE(accepted(found));
  (*found.mutable_log_bytes())[4] = 9;
  EXPECT_FALSE(accepted(found));
  found.clear_log_bytes();
  EXPECT_FALSE(accepted(found));
  EXPECT_FALSE(accepted(found, 4));
  EXPECT_TRUE(accepted(found, 5));
  found.set_manifest_number(6);  // Begun by a process that opened the store and was killed.
  EXPECT_TRUE(accepted(found));
  found.set_manifest_number(4);
  EXPECT_FALSE(accepted(found));
}

}  // namespace
}  // namespace rotv
