#include "cli/launch/warm_clusters.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "cli/launch/warm_manifest.h"
#include "cli/launch/warm_writer.h"
#include "os/boot_id.h"
#include "tests/support/files/subprocess.h"
#include "tests/support/files/temp_dir.h"

namespace rotv::launch {
namespace {

namespace fs = std::filesystem;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class WarmClustersTest : public ::testing::Test {
 protected:
  WarmClustersTest() : clusters_(home_.path()) {
    fs::create_directories(cluster_ / "base/5");
    fs::create_directories(cluster_ / "pg_tblspc");
    testing::WriteFile(cluster_ / "PG_VERSION", "15\n");
    testing::WriteFile(cluster_ / "base/5/1259", std::string(100'000, 'x'));
    testing::WriteFile(cluster_ / "base/5/empty", "");
  }

  static inline const std::string kComplete = fmt::format("{:511}\n", "rotv: complete");
  // A pipe with a tar of the directory, as the entrypoint sends it.
  static FileDescriptor Tar(const fs::path& directory, const fs::path& file) {
    testing::MustRun({.argv = {"tar", "--create", "--format=ustar", "--file", file, "--directory", directory, "."}});
    testing::WriteFile(file, testing::ReadFile(file) + kComplete);
    return FileDescriptor(open(file.c_str(), O_RDONLY | O_CLOEXEC));
  }
  static history::ResolvedPoint At(uint64_t lsn) {
    return {.lsn = Lsn(lsn), .time_us = 1, .baseline_lsn = Lsn(10), .baseline_time_us = 2};
  }
  std::string Make(const WarmState& state, const WarmPurpose& purpose, const WarmLimits& limits = {}) {
    const std::unique_ptr<WarmWriter> writer = clusters_.Begin(100'000, limits);
    if (!writer) return "";
    const FileDescriptor tar = Tar(cluster_, home_ / "tar");
    EXPECT_TRUE(writer->Receive(tar.get(), interrupt_));
    writer->Publish(purpose, state, "server");
    // Times of use differ, and are earlier than any that follows.
    const auto used = fs::file_time_type::clock::now() - std::chrono::hours(1) + std::chrono::seconds(++made_);
    fs::last_write_time(home_ / "warm" / writer->id() / "lock", used);
    return writer->id();
  }
  std::string Make(uint64_t lsn) { return Make({.point = At(lsn)}, purpose_); }
  std::string Found(const std::optional<WarmLease>& lease) { return lease ? lease->cluster().id : ""; }

  int made_ = 0;
  const testing::TempDir home_;
  const fs::path cluster_ = home_ / "cluster";
  const Interrupt interrupt_;
  const WarmClusters clusters_;
  WarmPurpose purpose_{.runtime = "local", .source = "production", .database = "rotv"};
};

TEST_F(WarmClustersTest, TheFilesAreThoseThatWereSent) {
  const std::string id = Make(20);
  const std::vector<WarmCluster> all = clusters_.All();
  ASSERT_THAT(all, SizeIs(1));
  EXPECT_EQ(all[0].id, id);
  EXPECT_EQ(all[0].bytes, 100'003U);
  EXPECT_EQ(all[0].server, "server");
  EXPECT_EQ(all[0].state.point, At(20));
  testing::MustRun({.argv = {"diff", "-r", cluster_, all[0].directory}});
  EXPECT_EQ(fs::status(home_ / "warm").permissions(), fs::perms::owner_all);
  EXPECT_EQ(fs::status(home_ / "warm" / id).permissions(), fs::perms::owner_all);
}

TEST_F(WarmClustersTest, OneOfAnotherPurposeOrStateIsNotFound) {
  const std::string id = Make(20);
  EXPECT_EQ(Found(clusters_.FindAt(purpose_, At(20))), id);
  EXPECT_EQ(Found(clusters_.FindAt(purpose_, At(21))), "");
  history::ResolvedPoint other_history = At(20);
  other_history.baseline_time_us = 3;
  EXPECT_EQ(Found(clusters_.FindAt(purpose_, other_history)), "");
  EXPECT_EQ(Found(clusters_.FindNear(purpose_, other_history)), "");
  for (const auto& change : std::vector<std::function<void(WarmPurpose&)>>{
           [](WarmPurpose& p) { p.runtime = "podman image"; }, [](WarmPurpose& p) { p.source = "other"; },
           [](WarmPurpose& p) { p.database = "other"; }, [](WarmPurpose& p) { p.trust = true; },
           [](WarmPurpose& p) { p.superuser = true; }, [](WarmPurpose& p) { p.admin = "admin"; },
           [](WarmPurpose& p) { p.roles = {"reader"}; },
           [](WarmPurpose& p) {
             p.twin = {{"ROTV_ENCODING", "UTF8"}};
           }}) {
    WarmPurpose other = purpose_;
    change(other);
    EXPECT_EQ(Found(clusters_.FindAt(other, At(20))), "");
    EXPECT_EQ(Found(clusters_.FindNear(other, At(20))), "");
  }
}

TEST_F(WarmClustersTest, TheNearestIsFound) {
  const std::string early = Make(20), late = Make(100);
  EXPECT_EQ(Found(clusters_.FindNear(purpose_, At(30))), early);
  EXPECT_EQ(Found(clusters_.FindNear(purpose_, At(90))), late);
  EXPECT_EQ(Found(clusters_.FindNear(purpose_, At(1000))), late);
  // One that was carried often is worn out.
  Make({.point = At(40), .sql_bytes = 100, .carries = 20}, purpose_);
  Make({.point = At(41), .sql_bytes = 100, .carries = 1, .carried_bytes = 26}, purpose_);
  EXPECT_EQ(Found(clusters_.FindNear(purpose_, At(40))), early);
}

TEST_F(WarmClustersTest, SubsetsPushOutNoClusterOfAllRows) {
  const std::string all = Make(20);
  std::string last;
  for (int i = 0; i < 5; ++i) {
    WarmPurpose subset = purpose_;
    subset.subset = "section " + std::to_string(i);
    last = Make({.point = At(20), .subset = subset.subset}, subset);
  }
  clusters_.Trim({});
  EXPECT_EQ(Found(clusters_.FindAt(purpose_, At(20))), all);
  EXPECT_THAT(clusters_.All(), SizeIs(4)) << "and three of subsets";
}

TEST_F(WarmClustersTest, OthersAreFoundByWhatTheyAre) {
  const std::string empty = Make({.kind = WarmKind::kEmpty}, purpose_);
  const std::string foreign = Make({.kind = WarmKind::kForeign, .seed = "1-2-3.4"}, purpose_);
  const std::string saved = Make({.kind = WarmKind::kSaved, .point = At(20), .saved_as = "mine"}, purpose_);
  WarmPurpose other = purpose_;
  other.source = "other";  // An empty one has nothing of a source.
  EXPECT_EQ(Found(clusters_.FindEmpty(other)), empty);
  EXPECT_EQ(Found(clusters_.FindForeign(purpose_, "1-2-3.4")), foreign);
  EXPECT_EQ(Found(clusters_.FindForeign(purpose_, "1-2-3.5")), "");
  EXPECT_EQ(Found(clusters_.FindSaved("mine")), saved);
  EXPECT_EQ(Found(clusters_.FindAt(purpose_, At(20))), "") << "production never had that state";
}

TEST_F(WarmClustersTest, DamageIsFound) {
  const auto file = [&](const std::string& id) { return home_ / "warm" / id / "cluster/base/5/1259"; };
  const auto remake = [&] {
    clusters_.RemoveAll();
    return Make(20);
  };
  std::string id = remake();
  EXPECT_THAT(clusters_.FindDamaged(interrupt_), IsEmpty());
  const auto time = fs::last_write_time(file(id));
  std::fstream(file(id), std::ios::in | std::ios::out | std::ios::binary) << "y";
  fs::last_write_time(file(id), time);
  {
    const std::optional<WarmLease> lease = clusters_.FindAt(purpose_, At(20));
    ASSERT_TRUE(lease) << "the bytes are not read before";
    EXPECT_EQ(lease->FindDamage(interrupt_), "the bytes of base/5/1259 have changed");
  }
  EXPECT_THAT(clusters_.FindDamaged(interrupt_), SizeIs(1));

  id = remake();
  fs::last_write_time(file(id), fs::file_time_type::clock::now() + std::chrono::seconds(1));
  EXPECT_EQ(Found(clusters_.FindAt(purpose_, At(20))), "");
  EXPECT_FALSE(fs::exists(home_ / "warm" / id));
  id = remake();
  fs::remove(file(id));
  EXPECT_EQ(Found(clusters_.FindAt(purpose_, At(20))), "");
  id = remake();
  fs::create_directory(file(id).parent_path() / "more");
  EXPECT_EQ(Found(clusters_.FindAt(purpose_, At(20))), "");
  id = remake();
  fs::remove(home_ / "warm" / id / "manifest.json");
  EXPECT_THAT(clusters_.All(), IsEmpty());
  EXPECT_THAT(clusters_.FindDamaged(interrupt_), IsEmpty()) << "it is a leftover";
  clusters_.Trim();
  EXPECT_FALSE(fs::exists(home_ / "warm" / id));
}

// A power loss may leave a file with its size and time, and without its bytes.
TEST_F(WarmClustersTest, AfterAnotherBootTheBytesAreReadBefore) {
  const auto boot_again = [&](const std::string& id) {
    WarmManifest manifest = ReadWarmManifest(home_ / "warm" / id).value();
    manifest.boot = "another";
    WriteWarmManifest(home_ / "warm" / id, manifest);
  };
  const std::string id = Make(20);
  boot_again(id);
  EXPECT_EQ(Found(clusters_.FindAt(purpose_, At(20))), id);
  EXPECT_EQ(ReadWarmManifest(home_ / "warm" / id).value().boot, os::BootId());

  const fs::path file = home_ / "warm" / id / "cluster/base/5/1259";
  const auto time = fs::last_write_time(file);
  std::fstream(file, std::ios::in | std::ios::out | std::ios::binary) << "y";
  fs::last_write_time(file, time);
  boot_again(id);
  EXPECT_EQ(Found(clusters_.FindAt(purpose_, At(20))), "");
  EXPECT_FALSE(fs::exists(home_ / "warm" / id));
}

TEST_F(WarmClustersTest, WhatIsCutOffOrMisleadingIsNotKept) {
  const FileDescriptor whole = Tar(cluster_, home_ / "tar");
  const std::string text = testing::ReadFile(home_ / "tar");
  for (const size_t size :
       {size_t{0}, size_t{100}, size_t{512}, size_t{50'000}, text.size() - 10'240, text.size() - kComplete.size()}) {
    testing::WriteFile(home_ / "cut", text.substr(0, size));
    const FileDescriptor cut(open((home_ / "cut").c_str(), O_RDONLY | O_CLOEXEC));
    EXPECT_FALSE(clusters_.Begin(1)->Receive(cut.get(), interrupt_)) << size;
  }
  const fs::path bad = home_ / "bad";
  fs::create_directory(bad);
  fs::create_symlink("/etc/passwd", bad / "link");
  EXPECT_FALSE(clusters_.Begin(1)->Receive(Tar(bad, home_ / "tar").get(), interrupt_));
  fs::create_directory(bad / "below");
  testing::MustRun({.argv = {"tar", "--create", "--format=ustar", "-P", "--file", home_ / "tar", "--directory",
                             bad / "below", "../../cluster/PG_VERSION"}});
  const FileDescriptor above(open((home_ / "tar").c_str(), O_RDONLY | O_CLOEXEC));
  EXPECT_FALSE(clusters_.Begin(1)->Receive(above.get(), interrupt_));
  EXPECT_THAT(clusters_.All(), IsEmpty());
  for (const auto& entry : fs::directory_iterator(home_ / "warm")) EXPECT_FALSE(entry.is_directory()) << entry.path();
}

TEST_F(WarmClustersTest, TheLeastRecentlyUsedAreRemovedFirst) {
  const std::string first = Make(20), second = Make(21), third = Make(22);
  EXPECT_EQ(Found(clusters_.FindAt(purpose_, At(20))), first);  // It is used.
  Make({.kind = WarmKind::kEmpty}, purpose_);
  const std::string fourth = Make(23);
  clusters_.Trim({.clusters = 3});
  EXPECT_EQ(Found(clusters_.FindAt(purpose_, At(21))), "");
  for (uint64_t lsn : {20, 22, 23}) EXPECT_NE(Found(clusters_.FindAt(purpose_, At(lsn))), "") << lsn;
  // Pinned ones and those in use stay, whatever the limit is.
  clusters_.Pin(third, "head");
  const std::optional<WarmLease> used = clusters_.FindAt(purpose_, At(20));
  clusters_.Trim({.clusters = 0});
  EXPECT_EQ(Found(clusters_.FindAt(purpose_, At(20))), first);
  EXPECT_EQ(Found(clusters_.FindAt(purpose_, At(22))), third);
  EXPECT_EQ(Found(clusters_.FindAt(purpose_, At(23))), "");
  EXPECT_FALSE(clusters_.Remove(first));
  clusters_.Unpin("head");
  // By bytes: one of 100 kB fits beside the others.
  clusters_.Trim({.clusters = 3, .bytes = 250'000});
  EXPECT_EQ(Found(clusters_.FindAt(purpose_, At(20))), first);
  EXPECT_EQ(Found(clusters_.FindAt(purpose_, At(22))), "");
  EXPECT_EQ(clusters_.Begin(uint64_t{1} << 60), nullptr) << "no disk has room for that";
}

TEST_F(WarmClustersTest, ANewerOneOfTheSameStateTakesThePlace) {
  const std::string old = Make(20), other = Make(21), newer = Make(20);
  clusters_.RemoveOlder(newer);
  EXPECT_EQ(Found(clusters_.FindAt(purpose_, At(20))), newer);
  EXPECT_EQ(Found(clusters_.FindAt(purpose_, At(21))), other);
  EXPECT_FALSE(fs::exists(home_ / "warm" / old));
}

TEST_F(WarmClustersTest, RemovingASourcesLeavesOthersAndSavedOnes) {
  Make(20);
  Make({.kind = WarmKind::kSaved, .saved_as = "mine"}, purpose_);
  purpose_.source = "other";
  Make(20);
  clusters_.RemoveOf("production");
  EXPECT_THAT(clusters_.All(), SizeIs(2));
  clusters_.RemoveAll();
  EXPECT_THAT(clusters_.All(), SizeIs(1));
  clusters_.RemoveSaved("mine");
  EXPECT_THAT(clusters_.All(), IsEmpty());
  EXPECT_THROW(clusters_.RemoveSaved("mine"), Error);
}

// Nothing is taken for complete that another run still writes or has left, and neither removes the other's.
TEST_F(WarmClustersTest, OneThatIsBeingWrittenIsNeitherUsedNorRemoved) {
  const std::unique_ptr<WarmWriter> writer = clusters_.Begin(1);
  const FileDescriptor tar = Tar(cluster_, home_ / "tar");
  ASSERT_TRUE(writer->Receive(tar.get(), interrupt_));
  const WarmClusters elsewhere(home_.path());
  EXPECT_EQ(Found(elsewhere.FindNear(purpose_, At(20))), "");
  elsewhere.RemoveAll();
  elsewhere.Trim();
  writer->Publish(purpose_, {.point = At(20)}, "server");
  EXPECT_EQ(Found(elsewhere.FindNear(purpose_, At(20))), writer->id());
}

}  // namespace
}  // namespace rotv::launch
