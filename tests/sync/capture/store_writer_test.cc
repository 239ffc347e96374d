// Labels: tsan

#include "sync/capture/store_writer.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/storage/store_fixture.h"

namespace rotv {
namespace {

using testing::ErrorOf;
using testing::IntegerKey;
using testing::Partial;
using testing::Put;
using testing::StoreFixture;
using testing::Tombstone;

// Passes writes on to a real store, but only as many as the test permits.
class GatedStore : public RowStore {
 public:
  explicit GatedStore(RowStore& inner) : inner_(inner) {}

  void Permit(int writes) {
    std::lock_guard lock(mutex_);
    permitted_ += writes;
    changed_.notify_all();
  }
  void FailNext() {
    std::lock_guard lock(mutex_);
    fail_ = true;
  }
  bool WaitsFor(int writes) {  // Until so many writes have begun; false after 20 seconds.
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(20), [&] { return begun_ >= writes; });
  }
  int begun() {
    std::lock_guard lock(mutex_);
    return begun_;
  }

  const StoreState& state() const override { return inner_.state(); }
  std::optional<TableId> Write(const VersionBuffer& versions) override {
    {
      std::unique_lock lock(mutex_);
      ++begun_;
      changed_.notify_all();
      changed_.wait(lock, [this] { return permitted_ > 0; });
      --permitted_;
      if (fail_) throw Error(ErrorCode::kDisk, "the disk is full");
    }
    return inner_.Write(versions);
  }
  std::optional<TableId> WritePages(const PageBuffer& rows) override { return inner_.WritePages(rows); }
  void WriteLog(const std::vector<std::pair<std::string, std::string>>& chunks) override { inner_.WriteLog(chunks); }
  void Publish(const StoreState& state, const Addition& addition) override { inner_.Publish(state, addition); }
  std::optional<VersionBuffer::Found> Newest(std::string_view row_prefix, std::string* storage) const override {
    return inner_.Newest(row_prefix, storage);
  }
  std::unique_ptr<RowScan> ScanAt(const ScanRequest& request) const override { return inner_.ScanAt(request); }
  const ShapeMap& shapes() const override { return inner_.shapes(); }
  void DropEpoch(TableId table, EpochNumber epoch) override { inner_.DropEpoch(table, epoch); }
  void DropUnlistedEpochs(const std::set<TableId>& tables) override { inner_.DropUnlistedEpochs(tables); }
  std::vector<Lsn> SequenceLsns() const override { return inner_.SequenceLsns(); }
  std::optional<Head> LastHead(Lsn lsn) const override { return inner_.LastHead(lsn); }
  std::vector<DataFile> DataFiles() const override { return inner_.DataFiles(); }
  uint64_t VersionsEstimate() const override { return inner_.VersionsEstimate(); }
  std::vector<KeyRange> Split(TableId table, EpochNumber epoch, size_t parts) const override {
    return inner_.Split(table, epoch, parts);
  }
  proto::SchemaVersion SchemaAt(Lsn lsn) const override { return inner_.SchemaAt(lsn); }
  proto::SequenceValues SequencesAt(Lsn lsn) const override { return inner_.SequencesAt(lsn); }
  void VisitLog(Lsn from, const std::function<bool(const proto::Transaction&)>& visit) const override {
    inner_.VisitLog(from, visit);
  }
  std::optional<proto::Transaction> LastLogged(Lsn before) const override { return inner_.LastLogged(before); }
  std::vector<Lsn> SchemaLsns() const override { return inner_.SchemaLsns(); }
  void VisitVersions(const std::function<void(const VersionKey&, const RowVersion&, size_t)>& visit,
                     Lsn from) const override {
    inner_.VisitVersions(visit, from);
  }
  GarbageCounts CollectGarbage(const Retention& retention, Lsn log_from, int64_t kept_from_time_us,
                               const std::function<void(uint64_t)>& look) override {
    return inner_.CollectGarbage(retention, log_from, kept_from_time_us, look);
  }
  uint64_t DiskBytes() const override { return inner_.DiskBytes(); }
  const std::filesystem::path& directory() const override { return inner_.directory(); }
  CompactionOwed compaction_owed() const override { return inner_.compaction_owed(); }
  void Compact() override { inner_.Compact(); }

 private:
  RowStore& inner_;
  std::mutex mutex_;
  std::condition_variable changed_;
  int permitted_ = 0;
  int begun_ = 0;
  bool fail_ = false;
};

capture::StoreWriter::Job JobOf(const std::vector<Put>& puts, std::optional<uint64_t> durable = {}) {
  auto buffer = std::make_shared<VersionBuffer>(VersionBuffer::Index::kNewest);
  for (const Put& put : puts) testing::Add(*buffer, put);
  capture::StoreWriter::Job job;
  job.versions = buffer;
  if (durable) job.publication = {testing::StateAt(*durable), {}};
  return job;
}

bool Submit(capture::StoreWriter& writer, capture::StoreWriter::Job job) { return writer.TrySubmit(&job); }

class StoreWriterTest : public ::testing::Test {
 protected:
  StoreWriterTest() { store_->Publish(testing::StateAt(100), {}); }

  std::string Newest(capture::StoreWriter& writer, int64_t id) {
    std::string storage;
    auto found = writer.Newest(EncodeRowPrefix(1, 0, IntegerKey(id)), &storage);
    if (!found) return "none";
    return std::string(1, static_cast<char>(found->version.kind)) + std::to_string(found->commit_lsn.value()) + " " +
           std::string(found->version.text);
  }

  StoreFixture store_;
  GatedStore gate_{*store_};
};

TEST_F(StoreWriterTest, DrainWritesEverythingToTheStore) {
  capture::StoreWriter writer(*store_);
  EXPECT_EQ(writer.durable_lsn(), Lsn(100));
  ASSERT_TRUE(Submit(writer, JobOf({{.id = 1, .lsn = 110, .text = "a"}}, 200)));
  writer.Drain();
  EXPECT_EQ(writer.durable_lsn(), Lsn(200));
  EXPECT_EQ(testing::Lines(*store_, 200), std::vector<std::string>{"a"});
}

TEST_F(StoreWriterTest, TheDurableLsnAdvancesOnlyOnPublication) {
  capture::StoreWriter writer(gate_);
  ASSERT_TRUE(Submit(writer, JobOf({{.id = 1, .lsn = 110, .text = "a"}}, 200)));
  ASSERT_TRUE(gate_.WaitsFor(1));
  EXPECT_EQ(writer.durable_lsn(), Lsn(100));
  gate_.Permit(1);
  writer.Drain();
  EXPECT_EQ(writer.durable_lsn(), Lsn(200));
}

TEST_F(StoreWriterTest, AJobWithoutVersionsIsPublishedToo) {
  capture::StoreWriter writer(*store_);
  capture::StoreWriter::Job job;
  job.publication = {testing::StateAt(300), {}};
  ASSERT_TRUE(writer.TrySubmit(&job));
  writer.Drain();
  EXPECT_EQ(store_->manifest().durable_lsn(), 300u);
}

TEST_F(StoreWriterTest, AThirdJobWaitsAndStaysWithItsOwner) {
  capture::StoreWriter writer(gate_);
  ASSERT_TRUE(Submit(writer, JobOf({{.id = 1, .lsn = 110, .text = "a"}})));
  ASSERT_TRUE(Submit(writer, JobOf({{.id = 2, .lsn = 110, .text = "b"}})));
  capture::StoreWriter::Job third = JobOf({{.id = 3, .lsn = 110, .text = "c"}}, 200);
  EXPECT_FALSE(writer.TrySubmit(&third));
  ASSERT_NE(third.versions, nullptr);
  writer.WaitForRoom(1);  // Returns after the time although there is no room.
  gate_.Permit(3);
  while (!writer.TrySubmit(&third)) writer.WaitForRoom(1000);
  writer.Drain();
  EXPECT_EQ(testing::Lines(*store_, 200), (std::vector<std::string>{"a", "b", "c"}));
}

TEST_F(StoreWriterTest, ARowIsFoundWhereverItIs) {
  testing::Write(*store_, {{.id = 1, .lsn = 10, .text = "store"},
                           {.id = 2, .lsn = 10, .text = "2\told\tbig"},
                           {.id = 3, .lsn = 10, .text = "gone soon"},
                           {.id = 4, .lsn = 10, .text = "4\tx\ty"}});
  capture::StoreWriter writer(gate_);
  ASSERT_TRUE(Submit(writer, JobOf({Partial(2, 110, "2\tnew\t\\u"), Tombstone(3, 110), Partial(5, 110, "5\t\\u\t\\u"),
                                    Partial(4, 110, "4\tfirst\t\\u")})));
  ASSERT_TRUE(Submit(writer, JobOf({Partial(2, 120, "2\t\\u\t\\u"),
                                    {.id = 6, .lsn = 120, .text = "second"},
                                    Partial(4, 115, "4\t\\u\tsecond"),
                                    Partial(4, 120, "four\t\\u\t\\u")})));
  ASSERT_TRUE(gate_.WaitsFor(1));
  auto expect_all = [&] {
    EXPECT_EQ(Newest(writer, 1), "R10 store");
    EXPECT_EQ(Newest(writer, 2), "R120 2\tnew\tbig");
    EXPECT_EQ(Newest(writer, 3), "T110 ");
    EXPECT_EQ(Newest(writer, 4), "R120 four\tfirst\tsecond");
    EXPECT_EQ(Newest(writer, 5), "P110 5\t\\u\t\\u");
    EXPECT_EQ(Newest(writer, 6), "R120 second");
    EXPECT_EQ(Newest(writer, 7), "none");
  };
  expect_all();
  gate_.Permit(1);
  ASSERT_TRUE(gate_.WaitsFor(2));
  expect_all();
  gate_.Permit(1);
  writer.Drain();
  expect_all();
}

TEST_F(StoreWriterTest, APartialRowIsNotCompletedFromBeforeItsDeletion) {
  testing::Write(*store_, {{.id = 1, .lsn = 10, .text = "1\told"}});
  capture::StoreWriter writer(gate_);
  ASSERT_TRUE(Submit(writer, JobOf({Tombstone(1, 110)})));
  ASSERT_TRUE(Submit(writer, JobOf({Partial(1, 120, "1\t\\u")})));
  EXPECT_EQ(Newest(writer, 1), "P120 1\t\\u");
  gate_.Permit(2);
  writer.Drain();
}

TEST_F(StoreWriterTest, EveryCallRethrowsTheErrorOfAJob) {
  capture::StoreWriter writer(gate_);
  gate_.FailNext();
  gate_.Permit(1);
  ASSERT_TRUE(Submit(writer, JobOf({{.id = 1, .lsn = 110, .text = "a"}}, 200)));
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(ErrorOf([&] { writer.Drain(); }).code(), ErrorCode::kDisk);
    EXPECT_EQ(ErrorOf([&] { writer.WaitForRoom(1000); }).code(), ErrorCode::kDisk);
    EXPECT_EQ(ErrorOf([&] { writer.durable_lsn(); }).code(), ErrorCode::kDisk);
    EXPECT_EQ(ErrorOf([&] { Newest(writer, 1); }).code(), ErrorCode::kDisk);
    EXPECT_EQ(ErrorOf([&] { Submit(writer, JobOf({})); }).code(), ErrorCode::kDisk);
  }
  EXPECT_EQ(store_->manifest().durable_lsn(), 100u);
}

TEST_F(StoreWriterTest, AfterAFailedJobNothingIsWritten) {
  {
    capture::StoreWriter writer(gate_);
    gate_.FailNext();
    ASSERT_TRUE(Submit(writer, JobOf({{.id = 1, .lsn = 110, .text = "a"}}, 200)));
    ASSERT_TRUE(Submit(writer, JobOf({{.id = 2, .lsn = 210, .text = "b"}}, 300)));
    gate_.Permit(2);
    EXPECT_EQ(ErrorOf([&] { writer.Drain(); }).code(), ErrorCode::kDisk);
  }
  EXPECT_EQ(gate_.begun(), 1);
  EXPECT_EQ(store_->manifest().durable_lsn(), 100u);
}

TEST_F(StoreWriterTest, TheDestructorFinishesTheRunningJob) {
  std::thread permitting;
  {
    capture::StoreWriter writer(gate_);
    ASSERT_TRUE(Submit(writer, JobOf({{.id = 1, .lsn = 110, .text = "a"}}, 200)));
    ASSERT_TRUE(gate_.WaitsFor(1));
    ASSERT_TRUE(Submit(writer, JobOf({{.id = 2, .lsn = 210, .text = "b"}}, 300)));
    permitting = std::thread([this] { gate_.Permit(2); });
  }
  permitting.join();
  EXPECT_GE(store_->manifest().durable_lsn(), 200u);  // The other job may have been started before the destructor ran.
}

TEST_F(StoreWriterTest, ReadingDoesNotWaitForTheDisk) {
  capture::StoreWriter writer(gate_);
  for (int round = 0; round < 100; ++round) {
    uint64_t lsn = 200 + static_cast<uint64_t>(round);
    capture::StoreWriter::Job job = JobOf({{.id = round, .lsn = lsn, .text = std::to_string(round)}}, lsn + 1);
    gate_.Permit(1);
    while (!writer.TrySubmit(&job)) writer.WaitForRoom(1000);
    EXPECT_EQ(Newest(writer, round), "R" + std::to_string(lsn) + " " + std::to_string(round));
    EXPECT_EQ(Newest(writer, round / 2), "R" + std::to_string(200 + round / 2) + " " + std::to_string(round / 2));
    EXPECT_LE(writer.durable_lsn(), Lsn(lsn + 1));
  }
  writer.Drain();
  EXPECT_EQ(testing::Lines(*store_, 1000).size(), 100u);
}

}  // namespace
}  // namespace rotv
