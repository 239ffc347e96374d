#include "storage/row_store.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <random>
#include <thread>

#include "storage/change_log.h"
#include "storage/epochs.h"
#include "tests/storage/store_fixture.h"

namespace rotv {
namespace {

namespace fs = std::filesystem;
using testing::CodeOf;
using testing::ErrorOf;
using testing::IntegerKey;
using testing::Lines;
using testing::LogOf;
using testing::ManifestAt;
using testing::ManyRows;
using testing::Put;
using testing::RunRole;
using testing::StateAt;
using testing::StoreFixture;
using testing::WithOneRow;
using Mode = RowStore::Mode;
using Strings = std::vector<std::string>;

const auto* const children = ::testing::AddGlobalTestEnvironment(new testing::ChildEnvironment({
    {"open", [](const fs::path& path) { RowStore::Open(path, Mode::kReadWrite); }},
}));

TEST(RowStoreTest, ANewStoreIsEmptyAndHasTheCurrentFormatVersion) {
  StoreFixture store;
  EXPECT_EQ(store->manifest().format_version(), kFormatVersion);
  EXPECT_EQ(Lines(*store, UINT64_MAX), Strings{});
  EXPECT_GT(store->DiskBytes(), 0u);
}

TEST(RowStoreTest, UnpublishedWritesAreInvisible) {
  StoreFixture store;
  testing::Write(*store, {{.id = 1, .lsn = 10, .text = "a"}, {.id = 1, .lsn = 20, .text = "b"}});
  EXPECT_EQ(Lines(*store, UINT64_MAX), Strings{});
  store->Publish(StateAt(20), {});
  EXPECT_EQ(Lines(*store, UINT64_MAX), Strings{"a"});
  store->Publish(StateAt(21), {});
  EXPECT_EQ(Lines(*store, UINT64_MAX), Strings{"b"});
}

TEST(RowStoreTest, AReopenedStoreHasAllPublishedRows) {
  StoreFixture store;
  proto::Manifest manifest = ManifestAt(100);
  manifest.set_slot("the slot");
  testing::Write(*store, {{.id = 1, .lsn = 10, .text = "a"}});
  store->Publish(StoreState::FromStored(manifest), {});
  for (Mode mode : {Mode::kReadWrite, Mode::kReadOnly}) {
    store.Reopen(mode);
    EXPECT_EQ(store->manifest().slot(), "the slot");
    EXPECT_EQ(Lines(*store, 100), Strings{"a"});
  }
}

TEST(RowStoreTest, AnExistingStoreIsNotCreatedAgain) {
  StoreFixture store;
  WithOneRow(store).Close();
  EXPECT_EQ(CodeOf([&] { RowStore::Open(store.path(), Mode::kCreate); }), ErrorCode::kDisk);
  store.Reopen();
  EXPECT_EQ(Lines(*store, 100), Strings{"old"});
}

TEST(RowStoreTest, OpeningAMissingStoreDoesNotCreateIt) {
  testing::TempDir directory;
  for (Mode mode : {Mode::kReadWrite, Mode::kReadOnly}) {
    const Error error = ErrorOf([&] { RowStore::Open(directory / "none", mode); });
    EXPECT_EQ(error.code(), ErrorCode::kCorrupt);
    EXPECT_THAT(error.what(), ::testing::HasSubstr("is missing"));
    EXPECT_THAT(error.hint(), ::testing::HasSubstr("baseline --force"));
    EXPECT_FALSE(std::filesystem::exists(directory / "none"));
  }
}

TEST(RowStoreTest, AStoreThatWasNeverPublishedIsCorrupt) {
  StoreFixture store;
  store.Close();
  EXPECT_EQ(CodeOf([&] { store.Reopen(); }), ErrorCode::kCorrupt);
}

TEST(RowStoreTest, ANewerFormatIsRefusedAndNotChanged) {
  StoreFixture store;
  proto::Manifest manifest = ManifestAt(100);
  manifest.set_format_version(kFormatVersion + 1);
  manifest.set_pull_in_progress(true);
  testing::Write(*store, {{.id = 1, .lsn = 150, .text = "of a newer program"}});
  store->Publish(StoreState::FromStored(manifest), {});
  for (Mode mode : {Mode::kReadWrite, Mode::kReadOnly}) {
    Error error = ErrorOf([&] { store.Reopen(mode); });
    EXPECT_EQ(error.code(), ErrorCode::kDisk);
    EXPECT_THAT(error.what(), ::testing::HasSubstr(fmt::format("format {}", kFormatVersion + 1)));
  }
}

TEST(RowStoreTest, ASecondOpenerIsRefused) {
  StoreFixture store;
  WithOneRow(store);
  Error error = ErrorOf([&] { RowStore::Open(store.path(), Mode::kReadWrite); });
  EXPECT_EQ(error.code(), ErrorCode::kInUse);
  EXPECT_THAT(error.what(), ::testing::HasSubstr("in use by another process"));

  testing::Result other = RunRole("open", store.path());
  EXPECT_EQ(other.exit_status, static_cast<int>(ErrorCode::kInUse));
  EXPECT_THAT(other.err, ::testing::HasSubstr("in use by another process"));
  store.Close();
  EXPECT_EQ(RunRole("open", store.path()).exit_status, 0);
}

TEST(RowStoreTest, ADirectoryNamedLockIsNotReportedAsInUse) {
  testing::TempDir directory;
  std::filesystem::create_directory(directory / "lock");
  Error error = ErrorOf([&] { RowStore::Open(directory / "lock", Mode::kReadWrite); });
  EXPECT_EQ(error.code(), ErrorCode::kCorrupt);
  EXPECT_THAT(error.what(), ::testing::Not(::testing::HasSubstr("in use by another process")));
}

TEST(RowStoreTest, AnEmptyBufferWritesNothing) {
  StoreFixture store;
  store->Write(VersionBuffer(VersionBuffer::Index::kNewest));
  store->Write(VersionBuffer(VersionBuffer::Index::kNone));
  store->WriteLog({});
  store->Publish(StateAt(100), {});
  EXPECT_EQ(Lines(*store, 100), Strings{});
}

TEST(RowStoreTest, TheLaterOfTwoWritesOfAVersionCounts) {
  StoreFixture store;
  store.WriteAndPublish({{.id = 1, .lsn = 10, .text = "a"}, {.id = 2, .lsn = 10, .text = "b"}}, 100);
  testing::Write(*store, {{.id = 1, .lsn = 10, .text = "A"}});
  EXPECT_EQ(Lines(*store, 100), (Strings{"A", "b"}));
}

TEST(RowStoreTest, NewestIsCompletedAsFarAsTheStoreCan) {
  StoreFixture store;
  testing::Write(*store, {{.id = 1, .lsn = 10, .text = "1\tbig"}, {.id = 11, .lsn = 5, .text = "11\tother"}});
  testing::Write(*store, {testing::Partial(1, 20, "one\t\\u"),
                          testing::Partial(2, 20, "2\t\\u"),
                          testing::Tombstone(3, 20),
                          {.id = 3, .lsn = 10, .text = "3\tx"}});
  std::string storage;
  auto newest = [&](int64_t id) { return store->Newest(EncodeRowPrefix(1, 0, IntegerKey(id)), &storage); };
  EXPECT_EQ(newest(1)->version.kind, RowVersion::Kind::kRow);
  EXPECT_EQ(newest(1)->version.text, "one\tbig");
  EXPECT_EQ(newest(1)->commit_lsn, Lsn(20));
  EXPECT_EQ(newest(2)->version.kind, RowVersion::Kind::kPartial);
  EXPECT_EQ(newest(2)->version.text, "2\t\\u");
  EXPECT_EQ(newest(3)->version.kind, RowVersion::Kind::kTombstone);
  EXPECT_FALSE(newest(4));
  EXPECT_FALSE(store->Newest(EncodeRowPrefix(1, 0, std::string(7, '\x80')), &storage));
}

TEST(RowStoreTest, TheSchemaInForceIsUsed) {
  StoreFixture store;
  for (uint64_t lsn : {100, 200}) {
    proto::SchemaVersion schema;
    schema.set_pre_data("since " + std::to_string(lsn));
    store->Publish(StateAt(lsn), {.schema = {{Lsn(lsn), schema}}, .sequences = {}});
  }
  store.Reopen();
  EXPECT_EQ(store->SchemaAt(Lsn(100)).pre_data(), "since 100");
  EXPECT_EQ(store->SchemaAt(Lsn(199)).pre_data(), "since 100");
  EXPECT_EQ(store->SchemaAt(Lsn(200)).pre_data(), "since 200");
  EXPECT_EQ(store->SchemaAt(Lsn(UINT64_MAX)).pre_data(), "since 200");
  EXPECT_EQ(CodeOf([&] { (void)store->SchemaAt(Lsn(99)); }), ErrorCode::kCorrupt);
}

TEST(RowStoreTest, SequencesComeFromTheFirstPullAtOrAfterTheLsn) {
  StoreFixture store;
  EXPECT_EQ(store->SequencesAt(Lsn(1)).values_size(), 0);
  for (uint64_t lsn : {100, 200}) {
    proto::SequenceValues values;
    values.add_values()->set_last_value(static_cast<int64_t>(lsn));
    store->Publish(StateAt(lsn), {.schema = {}, .sequences = {{Lsn(lsn), values}}});
  }
  store.Reopen();
  EXPECT_EQ(store->SequencesAt(Lsn(50)).values(0).last_value(), 100);
  EXPECT_EQ(store->SequencesAt(Lsn(100)).values(0).last_value(), 100);
  EXPECT_EQ(store->SequencesAt(Lsn(101)).values(0).last_value(), 200);
  EXPECT_EQ(store->SequencesAt(Lsn(200)).values(0).last_value(), 200);
  EXPECT_EQ(store->SequencesAt(Lsn(201)).values(0).last_value(), 200);
}

TEST(RowStoreTest, AnEpochServesStatesAfterItsStart) {
  proto::Manifest manifest;
  proto::TableHistory* history = manifest.add_tables();
  history->set_table(5);
  for (auto [number, start] : {std::pair(0, 10), std::pair(1, 20), std::pair(2, 20), std::pair(3, 30)}) {
    proto::Epoch* epoch = history->add_epochs();
    epoch->set_number(static_cast<uint32_t>(number));
    epoch->set_start_lsn(static_cast<uint64_t>(start));
  }
  EXPECT_EQ(EpochsAt(manifest, Lsn(10)).count(5), 0u);
  EXPECT_EQ(EpochsAt(manifest, Lsn(11)).at(5), 0u);
  EXPECT_EQ(EpochsAt(manifest, Lsn(20)).at(5), 0u);
  EXPECT_EQ(EpochsAt(manifest, Lsn(21)).at(5), 2u);  // Truncated twice in one transaction.
  EXPECT_EQ(EpochsAt(manifest, Lsn(31)).at(5), 3u);
  EXPECT_EQ(EpochsAt(manifest, Lsn(31)).count(6), 0u);
}

TEST(RowStoreTest, PartsOfATableHoldEveryRowExactlyOnce) {
  StoreFixture store;
  std::mt19937 random(7);
  std::set<std::string> texts;
  for (int run = 0; run < 40; ++run) {  // Pulls leave it like this: many runs, and versions of one row in several of
                                        // them.
    VersionBuffer buffer(VersionBuffer::Index::kNewest);
    for (int i = 0; i < 30; ++i) {
      int64_t id = static_cast<int64_t>(random() % 500) + run * 20;
      testing::Add(buffer, {.id = id, .lsn = static_cast<uint64_t>(10 + run), .text = std::to_string(id)});
      testing::Add(buffer, {.id = id, .lsn = 10, .text = "x", .table = 2});
      texts.insert(std::to_string(id));
    }
    store->Write(buffer);
  }
  store->Publish(StateAt(100), {});
  Strings whole = Lines(*store, 100);
  EXPECT_EQ(whole.size(), texts.size());
  for (size_t parts : {1, 2, 3, 16, 1000}) {
    Strings together;
    std::vector<KeyRange> ranges = store->Split(1, 0, parts);
    EXPECT_LE(ranges.size(), parts);
    EXPECT_GE(ranges.size(), std::min<size_t>(parts, 10));
    for (const KeyRange& range : ranges) {
      for (const std::string& line : Lines(*store, 100, range)) together.push_back(line);
    }
    EXPECT_EQ(together, whole) << parts;
  }
}

TEST(RowStoreTest, NoPartIsMuchLargerThanTheOthers) {
  StoreFixture store;
  constexpr size_t kRuns = 31, kParts = 16;
  for (size_t run = 0; run < kRuns; ++run) {
    testing::Write(*store, ManyRows(static_cast<int64_t>(run) * 10, static_cast<int64_t>(run) * 10 + 10, 10, 10));
  }
  store->Publish(StateAt(100), {});
  std::vector<KeyRange> ranges = store->Split(1, 0, kParts);
  EXPECT_EQ(ranges.size(), kParts);
  for (const KeyRange& range : ranges) EXPECT_LE(Lines(*store, 100, range).size(), 30u);
}

TEST(RowStoreTest, PartsDoNotSplitTheVersionsOfARow) {
  StoreFixture store;
  // Every run begins in the middle of row 5's history.
  for (uint64_t lsn = 40; lsn >= 10; --lsn) {
    testing::Write(*store, {{.id = 5, .lsn = lsn, .text = std::to_string(lsn)}, {.id = 6, .lsn = lsn, .text = "six"}});
  }
  testing::Write(*store, {{.id = 4, .lsn = 10, .text = "four"}});
  store->Publish(StateAt(100), {});
  Strings together;
  for (const KeyRange& range : store->Split(1, 0, 16)) {
    for (const std::string& line : Lines(*store, 100, range)) together.push_back(line);
  }
  EXPECT_EQ(together, (Strings{"four", "40", "six"}));
}

TEST(RowStoreTest, AnEmptyTableHasOnePart) {
  StoreFixture store;
  WithOneRow(store);
  EXPECT_EQ(store->Split(99, 0, 16).size(), 1u);
}

TEST(RowStoreTest, CompactionOfManyRunsChangesNothing) {
  StoreFixture store;
  for (uint64_t lsn = 10; lsn < 50; ++lsn) {
    testing::Write(*store, {{.id = 0, .lsn = lsn, .text = "first"},
                            {.id = static_cast<int64_t>(lsn % 7 + 1), .lsn = lsn, .text = std::to_string(lsn)},
                            {.id = 9, .lsn = lsn, .text = "last"}});
  }
  store->Publish(StateAt(100), {});
  std::vector<Strings> before, after;
  for (uint64_t lsn = 10; lsn <= 50; ++lsn) before.push_back(Lines(*store, lsn));
  store->Compact();
  for (uint64_t lsn = 10; lsn <= 50; ++lsn) after.push_back(Lines(*store, lsn));
  EXPECT_EQ(before, after);
  EXPECT_LE(store->Split(1, 0, 100).size(), 2u);
}

TEST(RowStoreTest, ScansSeeOneStateWhileAnotherIsWritten) {
  StoreFixture store;
  constexpr int kRows = 200, kRounds = 30;
  auto write = [&](uint64_t lsn) {
    std::vector<Put> puts;
    for (int id = 0; id < kRows; ++id) puts.push_back({.id = id, .lsn = lsn, .text = std::to_string(lsn)});
    testing::Write(*store, puts);
    store->WriteLog(LogOf(lsn));
  };
  write(9);
  store->Publish(StateAt(10), {});
  std::atomic<uint64_t> published{10};
  std::atomic<bool> stop{false};
  std::vector<std::thread> readers;
  for (int i = 0; i < 2; ++i) {
    readers.emplace_back([&] {
      std::string storage;
      while (!stop) {
        uint64_t lsn = published;
        EXPECT_EQ(Lines(*store, lsn), Strings(kRows, std::to_string(lsn - 1)));
        EXPECT_TRUE(store->Newest(EncodeRowPrefix(1, 0, IntegerKey(7)), &storage));
        Strings latest = Lines(*store, UINT64_MAX);  // Whichever state it is, it is one state.
        EXPECT_EQ(latest, Strings(kRows, latest.at(0)));
      }
    });
  }
  for (uint64_t lsn = 20; lsn < 20 + kRounds; ++lsn) {
    write(lsn - 1);
    store->Publish(StateAt(lsn), {});
    published = lsn;
  }
  stop = true;
  for (std::thread& reader : readers) reader.join();
}

TEST(RowStoreTest, WhatAKilledCopyLeftIsDropped) {
  StoreFixture store;
  StoreState state = StateAt(100);
  state.AddEpoch(1, state.ReserveEpoch(1), Lsn(99));
  store->Publish(state, {});
  // Epoch 1 is listed; 2 and 3 are copies that were not completed. Table 2 has no complete copy, table 3 is another
  // one.
  testing::Write(*store, {{.id = 1, .lsn = 99, .text = "here", .epoch = 1},
                          {.id = 2, .lsn = 99, .text = "half", .epoch = 2},
                          {.id = 3, .lsn = 99, .text = "half", .epoch = 3},
                          {.id = 4, .lsn = 99, .text = "half", .table = 2, .epoch = 1},
                          {.id = 5, .lsn = 99, .text = "other", .table = 3, .epoch = 1}});
  store->DropUnlistedEpochs({1, 2});
  store->Publish(state, {});
  store.Reopen();
  EXPECT_EQ(Lines(*store, 100, {}, 1, 1), std::vector<std::string>{"here"});
  EXPECT_TRUE(Lines(*store, 100, {}, 1, 2).empty());
  EXPECT_TRUE(Lines(*store, 100, {}, 1, 3).empty());
  EXPECT_TRUE(Lines(*store, 100, {}, 2, 1).empty());
  EXPECT_EQ(Lines(*store, 100, {}, 3, 1), std::vector<std::string>{"other"});
  // The number is used again.
  testing::Write(*store, {{.id = 6, .lsn = 99, .text = "again", .epoch = 2}});
  EXPECT_EQ(Lines(*store, 100, {}, 1, 2), std::vector<std::string>{"again"});
}

}  // namespace
}  // namespace rotv
