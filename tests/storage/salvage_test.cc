#include "storage/salvage.h"

#include <gtest/gtest.h>

#include <fstream>

#include "storage/change_log.h"
#include "storage/epochs.h"
#include "tests/storage/store_fixture.h"

namespace rotv {
namespace {

namespace fs = std::filesystem;
using testing::Lines;

void FlipByte(const fs::path& path, std::streamoff at) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(at);
  const char byte = static_cast<char>(file.get());
  file.seekp(at);
  file.put(static_cast<char>(byte ^ 0x55));
}

std::vector<testing::Put> Rows(TableId table, int64_t from, int64_t to, uint64_t lsn, const std::string& word) {
  std::vector<testing::Put> puts;
  for (int64_t id = from; id < to; ++id) {
    std::string text = word + " " + std::to_string(id) + " " + std::to_string(id * 7919);
    puts.push_back({.id = id, .lsn = lsn, .text = std::move(text), .table = table});
  }
  return puts;
}

// Two tables with some thousand rows each, in files of their own, and a later run with a few changes of both; a third
// one has none in that run.
class SalvageTest : public ::testing::Test {
 protected:
  SalvageTest() {
    proto::Manifest manifest = testing::ManifestAt(100);
    for (const TableId table : {TableId{1}, TableId{2}, TableId{3}}) {
      proto::TableHistory& history = HistoryOf(manifest, table);
      proto::Epoch* epoch = history.add_epochs();
      epoch->set_number(0);
      epoch->set_start_lsn(9);
      testing::Write(*store_, Rows(table, 0, 3000, 10, "old"));
    }
    store_->Publish(StoreState::FromStored(manifest), {});
    std::vector<testing::Put> changes = Rows(1, 5, 10, 110, "new");
    for (const testing::Put& put : Rows(3, 5, 10, 110, "new")) changes.push_back(put);
    testing::Write(*store_, changes);
    manifest.set_durable_lsn(200);
    manifest.set_head_lsn(200);
    RowStore::Addition addition;
    addition.schema = {Lsn(100), {}};
    store_->Publish(StoreState::FromStored(manifest), addition);
    files_ = store_->DataFiles();
    store_.Close();
  }

  // The file of rows whose first key is of `table`, and that has more or less than a thousand bytes.
  DataFile FileOf(TableId table, bool large) {
    for (const DataFile& file : files_) {
      if (file.content != DataFile::Content::kRows) continue;
      if (file.first_key.substr(0, 4) == EncodeRowPrefix(table, 0, "").substr(0, 4) && large == (file.bytes > 10000)) {
        return file;
      }
    }
    ADD_FAILURE() << "no such file";
    return {};
  }

  SalvageResult SalvageWithout(const DataFile& file) {
    fs::create_directory(to_);
    return Salvage({.from = store_.path(), .to = to_, .damaged = {file}});
  }

  testing::StoreFixture store_;
  testing::TempDir directory_;
  fs::path to_ = directory_ / "salvaged";
  std::vector<DataFile> files_;
};

TEST_F(SalvageTest, RowsOutsideOfTheDamagedFileAreKept) {
  const DataFile damaged = FileOf(2, true);
  FlipByte(store_.path() / damaged.name, static_cast<std::streamoff>(damaged.bytes / 2));
  EXPECT_EQ(FindDamage(store_.path(), damaged), std::nullopt);
  EXPECT_NE(FindDamageByReading(store_.path(), damaged, [](auto, auto) {}), std::nullopt);
  const SalvageResult result = SalvageWithout(damaged);
  EXPECT_EQ(result.lost, (std::vector<TableEpoch>{{2, 0}}));
  EXPECT_EQ(result.to_resync, std::set<TableId>{2});
  EXPECT_FALSE(result.log_lost);
  for (const RowStore::Mode mode : {RowStore::Mode::kReadOnly, RowStore::Mode::kReadWrite}) {
    const auto store = RowStore::Open(to_, mode);
    EXPECT_EQ(Lines(*store, 200, {}, 1).size(), 3000U);
    EXPECT_EQ(Lines(*store, 200, {}, 1).at(7), "new 7 55433");
    EXPECT_EQ(Lines(*store, 100, {}, 3).at(7), "old 7 55433");
    EXPECT_EQ(Lines(*store, 200, {}, 3).at(7), "new 7 55433");
    EXPECT_EQ(EpochsAt(store->manifest(), Lsn(100)), (std::map<TableId, EpochNumber>{{1, 0}, {3, 0}}));
    EXPECT_EQ(store->SchemaLsns(), std::vector<Lsn>{Lsn(100)});
  }
}

TEST_F(SalvageTest, TablesBetweenTheFirstAndTheLastKeyOfADamagedRunAreLostOnlyIfItCannotBeRead) {
  const DataFile run = FileOf(1, false);
  EXPECT_EQ(SalvageWithout(run).lost, (std::vector<TableEpoch>{{1, 0}, {3, 0}}));
  fs::remove_all(to_);
  FlipByte(store_.path() / run.name, static_cast<std::streamoff>(run.bytes - 1));
  EXPECT_NE(FindDamage(store_.path(), run), std::nullopt);
  EXPECT_EQ(SalvageWithout(run).lost, (std::vector<TableEpoch>{{1, 0}, {2, 0}, {3, 0}}));
}

TEST_F(SalvageTest, AFileThatIsMissingShorterOrAnothersIsFound) {
  const DataFile file = FileOf(2, true);
  const fs::path path = store_.path() / file.name;
  EXPECT_EQ(FindDamage(store_.path(), file), std::nullopt);
  fs::rename(path, directory_ / "away");
  EXPECT_EQ(FindDamage(store_.path(), file), "it is missing");
  // The other table's file has the same size, if it is made so.
  const DataFile other = FileOf(1, true);
  DataFile same_size = file;
  same_size.bytes = other.bytes;
  fs::copy_file(store_.path() / other.name, path);
  EXPECT_NE(FindDamage(store_.path(), same_size).value_or("").find("other keys"), std::string::npos);
  fs::resize_file(path, 1000);
  EXPECT_NE(FindDamage(store_.path(), file).value_or("").find("it has 1000 bytes instead of"), std::string::npos);
}

TEST_F(SalvageTest, AStoreIsInspectedWithoutOneOfItsFiles) {
  const DataFile file = FileOf(2, true);
  fs::remove(store_.path() / file.name);
  EXPECT_EQ(testing::CodeOf([&] { store_.Reopen(RowStore::Mode::kReadOnly); }), ErrorCode::kCorrupt);
  store_.Reopen(RowStore::Mode::kInspect);
  EXPECT_EQ(store_->manifest().durable_lsn(), 200U);
  EXPECT_EQ(store_->DataFiles().size(), files_.size());
}

TEST_F(SalvageTest, ADamagedWriteAheadLogIsNoticedAllTheSame) {
  // A record that RocksDB drops does not take the last state with it: that is in a later block of the log (32 KiB).
  store_.Reopen();
  store_->WriteLog({{ChangeLogKey(Lsn(150), 0), std::string(100'000, 'x')}});
  store_->Publish(store_->state(), {});
  store_.Close();
  fs::path log;
  for (const auto& entry : fs::directory_iterator(store_.path())) {
    if (entry.path().extension() == ".log" && entry.file_size() > 100) log = entry.path();
  }
  ASSERT_FALSE(log.empty());
  const auto size = static_cast<std::streamoff>(fs::file_size(log));
  int refused = 0, opened = 0;
  for (std::streamoff at = 20; at < size; at += std::max<std::streamoff>(1, size / 40)) {
    FlipByte(log, at);
    try {
      store_.Reopen(RowStore::Mode::kInspect);
      EXPECT_EQ(store_->manifest().durable_lsn(), 200U) << at;
      ++opened;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kCorrupt) << error.what();
      ++refused;
    }
    store_.Close();
    FlipByte(log, at);
  }
  EXPECT_EQ(opened, 0);
  EXPECT_GT(refused, 30);
}

}  // namespace
}  // namespace rotv
