#include "storage/store_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "storage/atomic_file.h"
#include "storage/workspace.h"
#include "tests/storage/store_fixture.h"

namespace rotv {
namespace {

namespace fs = std::filesystem;
using testing::ErrorOf;
using ::testing::HasSubstr;
using testing::Lines;
using ::testing::Not;
using testing::TempDir;

constexpr uint64_t kViewStep = 10;
constexpr int64_t kViewRows = 40;

// Publication n gives every row the text n * kViewStep, in two runs, so that a store that lacks one of them is noticed.
// It also adds a chunk of the log, of a size that has RocksDB begin new logs.
void PublishRows(RowStore& store, size_t log_bytes) {
  const uint64_t lsn = store.state().durable_lsn().value();
  for (int64_t half = 0; half < 2; ++half) {
    std::vector<testing::Put> puts;
    for (int64_t id = half; id < kViewRows; id += 2)
      puts.push_back({.id = id, .lsn = lsn, .text = std::to_string(lsn)});
    testing::Write(store, puts);
  }
  std::string key;
  AppendBigEndian64(lsn, &key);
  store.WriteLog({{key + std::string(4, '\0'), std::string(log_bytes, 'x')}});
  store.Publish(testing::StateAt(lsn + kViewStep), {});
}

fs::path MakeViewed(const fs::path& source, const std::string& name) {
  fs::create_directories(source);
  const auto store = RowStore::Open(source / name, RowStore::Mode::kCreate);
  RowStore::Addition addition;
  addition.schema = {Lsn(kViewStep), proto::SchemaVersion()};
  store->Publish(testing::StateAt(kViewStep), addition);
  PublishRows(*store, 100);
  return source / name;
}

// Fails unless the store has one publication, whole; gives its LSN.
uint64_t ExpectOnePublication(const fs::path& path) {
  const auto store = RowStore::Open(path, RowStore::Mode::kReadOnly);
  const uint64_t durable = store->state().durable_lsn().value();
  EXPECT_EQ(Lines(*store, durable), std::vector<std::string>(kViewRows, std::to_string(durable - kViewStep)));
  return durable;
}

// A view of "store-a".
std::optional<StoreView> ViewOf(const fs::path& source) {
  std::optional<StoreView> view = StoreView::Make(source);
  if (view && view->Take([] { return std::vector<std::string>{"store-a"}; })) return view;
  ADD_FAILURE() << "no view of " << source;
  return std::nullopt;
}

// Does everything that a writer does to files: publishes, merges, forgets, closes and opens again.
void WriteUntilKilled(const fs::path& path) {
  for (int round = 0;; ++round) {
    const auto store = RowStore::Open(path, RowStore::Mode::kReadWrite);
    if (round == 0) std::cout << "open" << std::endl;
    for (int i = 0; i < 12; ++i) {
      PublishRows(*store, size_t{1} << 19);
      store->Compact();
    }
    const Lsn head = store->state().durable_lsn();
    (void)store->CollectGarbage(Retention({head}, head), head, 1, [](uint64_t) {});
  }
}

const auto* const view_children = ::testing::AddGlobalTestEnvironment(new testing::ChildEnvironment({
    {"write until killed", WriteUntilKilled},
    {"read until killed",
     [](const fs::path& source) {
       const std::optional<StoreView> view = ViewOf(source);
       std::cout << "reading" << std::endl;
       while (true) pause();
     }},
}));

class StoreViewTest : public ::testing::Test {
 protected:
  StoreViewTest() { MakeViewed(source_, "store-a"); }

  std::vector<std::string> Views() const {
    std::vector<std::string> names;
    std::error_code none;
    for (const auto& entry : fs::directory_iterator(source_ / kReadersName, none)) names.push_back(entry.path());
    return names;
  }

  // Readers beside a writer for as long: each view is one publication, and not an older one than the view before.
  void ReadBesideAWriter(std::chrono::milliseconds length) {
    testing::Process writer(testing::RoleCommand("write until killed", source_ / "store-a"));
    ASSERT_TRUE(writer.WaitForOutput("open", std::chrono::seconds(60))) << writer.Err();
    const auto end = std::chrono::steady_clock::now() + length;
    uint64_t last = 0, first = 0, views = 0;
    while (!HasFailure() && std::chrono::steady_clock::now() < end) {
      const std::optional<StoreView> view = ViewOf(source_);
      ASSERT_TRUE(view);
      const uint64_t lsn = ExpectOnePublication(view->path() / "store-a");
      EXPECT_GE(lsn, last);
      if (first == 0) first = lsn;
      last = lsn;
      ++views;
    }
    EXPECT_TRUE(writer.Running()) << writer.Err();
    EXPECT_GT(last, first) << "nothing was written meanwhile";
    EXPECT_GT(views, 3U);
  }

  const TempDir home_;
  const fs::path source_ = home_ / "sources/prod";
};

TEST_F(StoreViewTest, AViewBesideAWriterIsOnePublication) { ReadBesideAWriter(std::chrono::milliseconds(1500)); }

TEST_F(StoreViewTest, SoakViewsBesideAWriterAreOnePublicationEach) {
  const char* minutes = std::getenv("ROTV_SOAK_MINUTES");
  ReadBesideAWriter(std::chrono::minutes(minutes != nullptr ? std::atoi(minutes) : 1));
}

// Everything that a writer does to files, at each place where it may happen.
TEST_F(StoreViewTest, AStoreThatChangesBetweenAnyTwoStepsIsViewedWhole) {
  constexpr int kSteps = 4;
  std::unique_ptr<RowStore> writer = RowStore::Open(source_ / "store-a", RowStore::Mode::kReadWrite);
  const std::vector<std::pair<std::string, std::function<void()>>> changes = {
      {"publishes", [&] { PublishRows(*writer, 100); }},
      {"begins a log", [&] { PublishRows(*writer, size_t{9} << 20); }},
      {"merges",
       [&] {
         for (int i = 0; i < 20; ++i) PublishRows(*writer, 100);
         writer->Compact();
       }},
      {"forgets",
       [&] {
         PublishRows(*writer, 100);
         const Lsn head = writer->state().durable_lsn();
         (void)writer->CollectGarbage(Retention({head}, head), head, 1, [](uint64_t) {});
       }},
      {"opens",
       [&] {
         writer.reset();
         writer = RowStore::Open(source_ / "store-a", RowStore::Mode::kReadWrite);
       }},
  };
  for (const auto& change : changes) {
    for (int step = 0; step < kSteps; ++step) {
      SCOPED_TRACE(change.first + " after step " + std::to_string(step));
      int steps = 0;
      PauseViews([&] {
        if (steps++ == step) change.second();
      });
      const std::optional<StoreView> view = ViewOf(source_);
      PauseViews(nullptr);
      EXPECT_GE(ExpectOnePublication(view->path() / "store-a"), 2 * kViewStep);
    }
  }
}

TEST_F(StoreViewTest, WhatIsRemovedStaysReadable) {
  const std::optional<StoreView> view = ViewOf(source_);
  fs::remove_all(source_ / "store-a");
  EXPECT_EQ(ExpectOnePublication(view->path() / "store-a"), 2 * kViewStep);
}

TEST_F(StoreViewTest, ItEndsWithItsReader) {
  {
    const std::optional<StoreView> view = ViewOf(source_);
    EXPECT_EQ(Views(), std::vector<std::string>{view->path()});
    EXPECT_TRUE(HasReaders(source_));
    EXPECT_EQ(fs::status(view->path()).permissions(), fs::perms::owner_all);
  }
  EXPECT_FALSE(fs::exists(source_ / kReadersName));
  EXPECT_FALSE(HasReaders(source_));
}

TEST_F(StoreViewTest, WhatAKilledReaderLeftIsRemovedByTheNextAndThatOfALivingOneStays) {
  testing::Process killed(testing::RoleCommand("read until killed", source_));
  testing::Process living(testing::RoleCommand("read until killed", source_));
  ASSERT_TRUE(killed.WaitForOutput("reading", std::chrono::seconds(60))) << killed.Err();
  ASSERT_TRUE(living.WaitForOutput("reading", std::chrono::seconds(60))) << living.Err();
  EXPECT_EQ(Views().size(), 2U);
  killed.Signal(SIGKILL);
  killed.Wait();
  { const std::optional<StoreView> view = ViewOf(source_); }
  EXPECT_EQ(Views().size(), 1U);
  living.Signal(SIGKILL);
  living.Wait();
  EXPECT_FALSE(HasReaders(source_));
  EXPECT_TRUE(Views().empty());
}

TEST_F(StoreViewTest, DamageIsShownUnderTheStoresOwnName) {
  for (const auto& entry : fs::directory_iterator(source_ / "store-a")) {
    if (entry.path().extension() == ".sst") fs::remove(entry.path());
  }
  const std::optional<StoreView> view = ViewOf(source_);
  const Error error = ErrorOf([&] { RowStore::Open(view->path() / "store-a", RowStore::Mode::kReadOnly); });
  EXPECT_EQ(error.code(), ErrorCode::kCorrupt);
  EXPECT_THAT(error.what(), HasSubstr((source_ / "store-a").string()));
  EXPECT_THAT(error.what(), Not(HasSubstr(kReadersName)));
}

TEST(ViewPathTest, OnlyPathsOfViewsAreReplaced) {
  EXPECT_EQ(WithoutViews("open /h/sources/p/readers/aB3xYz/store-1/CURRENT: no"),
            "open /h/sources/p/store-1/CURRENT: no");
  for (const char* other : {"", "/readers/", "/h/readers/aB3xYz", "/h/readers/aB3xYz/run", "/h/readers/store-1/x"}) {
    EXPECT_EQ(WithoutViews(other), other);
  }
}

TEST_F(StoreViewTest, RecordsThatChangeMeanwhileAreReadAgain) {
  MakeViewed(source_, "store-b");
  std::optional<StoreView> view = StoreView::Make(source_);
  int calls = 0;
  EXPECT_TRUE(view->Take([&]() -> std::vector<std::string> {
    if (++calls > 1) return {"store-b"};
    WriteFileAtomically(source_ / "current", "another");
    fs::remove_all(source_ / "store-a");
    return {"store-a"};
  }));
  EXPECT_EQ(calls, 2);
  EXPECT_EQ(ExpectOnePublication(view->path() / "store-b"), 2 * kViewStep);
}

TEST_F(StoreViewTest, WhereNoDirectoryCanBeMadeThereIsNone) {
  WriteFileAtomically(source_ / kReadersName, "a file");
  EXPECT_FALSE(StoreView::Make(source_));
}

}  // namespace
}  // namespace rotv
