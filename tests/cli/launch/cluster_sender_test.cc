#include "cli/launch/cluster_sender.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "cli/launch/warm_clusters.h"
#include "cli/launch/warm_writer.h"
#include "fmt/format.h"
#include "tests/support/files/subprocess.h"
#include "tests/support/files/temp_dir.h"

namespace rotv::launch {
namespace {

namespace fs = std::filesystem;

// A warm cluster that is sent to a file.
class ClusterSenderTest : public ::testing::Test {
 protected:
  ClusterSenderTest() : clusters_(home_.path()) {
    fs::create_directories(cluster_ / "base/5");
    fs::create_directories(cluster_ / "global");
    fs::create_directories(cluster_ / "pg_tblspc");
    testing::WriteFile(cluster_ / "PG_VERSION", "15\n");
    testing::WriteFile(cluster_ / "base/5/1259", std::string(1'000'000, 'x'));
    testing::WriteFile(cluster_ / "base/5/block", std::string(512, 'y'));
    testing::WriteFile(cluster_ / "base/5/empty", "");
    testing::WriteFile(cluster_ / "global/pg_control", "control");
    testing::WriteFile(cluster_ / "global/pg_filenode.map", "map");
    const std::unique_ptr<WarmWriter> writer = clusters_.Begin(2'000'000);
    const fs::path tar = home_ / "tar";
    testing::MustRun({.argv = {"tar", "--create", "--format=ustar", "--file", tar, "--directory", cluster_, "."}});
    testing::WriteFile(tar, testing::ReadFile(tar) + fmt::format("{:511}\n", "rotv: complete"));
    const FileDescriptor from(open(tar.c_str(), O_RDONLY | O_CLOEXEC));
    EXPECT_TRUE(writer->Receive(from.get(), interrupt_));
    writer->Publish({.runtime = "local", .source = "production", .database = "rotv"}, {}, "server");
    lease_ = clusters_.FindById(writer->id());
    EXPECT_TRUE(lease_);
  }

  SentCluster Send() {
    const FileDescriptor to(open(sent_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    return SendCluster(*lease_, to.get(), interrupt_);
  }
  testing::Result Unpack() {
    fs::remove_all(unpacked_);
    fs::create_directory(unpacked_);
    return testing::RunCommand({.argv = {"tar", "--extract", "--file", sent_, "--directory", unpacked_}});
  }

  const testing::TempDir home_;
  const fs::path cluster_ = home_ / "cluster";
  const fs::path sent_ = home_ / "sent";
  const fs::path unpacked_ = home_ / "unpacked";
  const Interrupt interrupt_;
  const WarmClusters clusters_;
  std::optional<WarmLease> lease_;
};

TEST_F(ClusterSenderTest, TarUnpacksTheSameFiles) {
  EXPECT_EQ(Send().damage, "");
  const testing::Result unpacked = Unpack();
  EXPECT_EQ(unpacked.exit_status, 0);
  EXPECT_EQ(unpacked.err, "");
  testing::MustRun({.argv = {"diff", "-r", cluster_, unpacked_}});
  EXPECT_EQ(fs::status(unpacked_ / "global/pg_control").permissions(), fs::perms(0600));
  EXPECT_EQ(fs::status(unpacked_ / "base/5").permissions(), fs::perms(0700));
}

TEST_F(ClusterSenderTest, NoPartOfATarHasTheFileWithoutWhichNoServerStarts) {
  EXPECT_EQ(Send().write_problem, 0);
  const std::string whole = testing::ReadFile(sent_);
  // Its header, its block, and two blocks of zeros at the end.
  for (const size_t cut : {size_t{0}, whole.size() / 2, whole.size() - 5 * 512, whole.size() - 4 * 512}) {
    SCOPED_TRACE(cut);
    testing::WriteFile(sent_, whole.substr(0, cut));
    Unpack();
    EXPECT_FALSE(fs::exists(unpacked_ / "global/pg_control"));
  }
  testing::WriteFile(sent_, whole.substr(0, whole.size() - 3 * 512 + 3));
  EXPECT_NE(Unpack().exit_status, 0) << "only a part of it came";
}

TEST_F(ClusterSenderTest, BytesThatAreNotWhatWasWrittenEndIt) {
  const fs::path file = lease_->cluster().directory / "base/5/1259";
  const auto time = fs::last_write_time(file);
  testing::WriteFile(file, std::string(999'999, 'x') + "y");
  fs::last_write_time(file, time);
  EXPECT_EQ(Send().damage, "base/5/1259 is not what was written");
  Unpack();
  EXPECT_FALSE(fs::exists(unpacked_ / "global/pg_control"));
}

TEST_F(ClusterSenderTest, NobodyWhoReadsEndsIt) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  const FileDescriptor to(ends[1]);
  close(ends[0]);
  std::signal(SIGPIPE, SIG_IGN);  // As the programs do.
  const SentCluster sent = SendCluster(*lease_, to.get(), interrupt_);
  EXPECT_EQ(sent.write_problem, EPIPE);
  EXPECT_EQ(sent.damage, "");
}

}  // namespace
}  // namespace rotv::launch
