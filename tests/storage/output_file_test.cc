#include "storage/output_file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>
#include <zstd.h>

#include <random>

#include "storage/atomic_file.h"
#include "tests/storage/store_fixture.h"
#include "tests/support/files/subprocess.h"

namespace rotv {
namespace {

namespace fs = std::filesystem;
using testing::CodeOf;
using testing::TempDir;

std::string Gunzip(const fs::path& path) {
  gzFile file = gzopen(path.c_str(), "rb");
  std::string content;
  char buffer[65536];
  int size;
  while ((size = gzread(file, buffer, sizeof buffer)) > 0) content.append(buffer, static_cast<size_t>(size));
  EXPECT_EQ(size, 0);
  EXPECT_FALSE(gzdirect(file)) << "it is not compressed";
  EXPECT_EQ(gzclose(file), Z_OK);
  return content;
}

std::string Unzstd(const fs::path& path) {
  std::string compressed = ReadFile(path), content;
  ZSTD_DCtx* context = ZSTD_createDCtx();
  ZSTD_inBuffer in{compressed.data(), compressed.size(), 0};
  std::string buffer(65536, '\0');
  size_t left = 1;
  while (in.pos < in.size || left != 0) {
    ZSTD_outBuffer out{buffer.data(), buffer.size(), 0};
    left = ZSTD_decompressStream(context, &out, &in);
    EXPECT_FALSE(ZSTD_isError(left)) << ZSTD_getErrorName(left);
    if (ZSTD_isError(left)) break;
    content.append(buffer, 0, out.pos);
    if (in.pos == in.size && out.pos < buffer.size()) break;
  }
  EXPECT_EQ(left, 0u) << "the frame has no end";
  ZSTD_freeDCtx(context);
  return content;
}

std::string ReadBack(const fs::path& path, Compression compression) {
  if (compression == Compression::kGzip) return Gunzip(path);
  if (compression == Compression::kZstd) return Unzstd(path);
  return ReadFile(path);
}

class OutputFileTest : public ::testing::TestWithParam<Compression> {
 protected:
  TempDir directory_;
};
INSTANTIATE_TEST_SUITE_P(Compressions, OutputFileTest,
                         ::testing::Values(Compression::kNone, Compression::kZstd, Compression::kGzip));

TEST_P(OutputFileTest, WrittenDataIsReadBack) {
  std::mt19937 random(10);
  std::string noise(3 << 20, '\0');
  for (char& byte : noise) byte = static_cast<char>(random());
  const std::vector<std::vector<std::string>> contents = {{},
                                                          {""},
                                                          {"a"},
                                                          {"a", "", "b"},
                                                          {std::string(5 << 20, 'x')},
                                                          {noise, noise.substr(7)},
                                                          std::vector<std::string>(20000, "a line\n")};
  for (const std::vector<std::string>& pieces : contents) {
    fs::path path = directory_ / "seed";
    std::unique_ptr<SeedOutput> output = OpenSeedOutput(path, GetParam());
    std::string whole;
    for (const std::string& piece : pieces) {
      output->Write(piece);
      whole += piece;
    }
    output->Commit();
    EXPECT_TRUE(ReadBack(path, GetParam()) == whole) << whole.size();
  }
}

TEST_P(OutputFileTest, TheOldFileStaysUntilTheCommit) {
  WriteFileAtomically(directory_ / "seed", "old");
  {
    std::unique_ptr<SeedOutput> output = OpenSeedOutput(directory_ / "seed", GetParam());
    output->Write(std::string(1 << 20, 'x'));
  }
  EXPECT_EQ(ReadFile(directory_ / "seed"), "old");
  EXPECT_EQ(std::distance(fs::directory_iterator(directory_.path()), fs::directory_iterator()), 1);
}

TEST_P(OutputFileTest, AMissingDirectoryIsReportedAtOnce) {
  EXPECT_EQ(CodeOf([&] { OpenSeedOutput(directory_.path() / "none" / "seed", GetParam()); }), ErrorCode::kDisk);
}

TEST_P(OutputFileTest, ADashIsStandardOutput) {
  fs::path path = directory_ / "stdout";
  fflush(stdout);
  int saved = dup(STDOUT_FILENO);
  int file = open(path.c_str(), O_WRONLY | O_CREAT, 0600);
  dup2(file, STDOUT_FILENO);
  std::unique_ptr<SeedOutput> output = OpenSeedOutput("-", GetParam());
  output->Write("to standard output");
  output->Commit();
  dup2(saved, STDOUT_FILENO);
  close(file);
  close(saved);
  EXPECT_EQ(ReadBack(path, GetParam()), "to standard output");
}

TEST_P(OutputFileTest, AFullDiskIsADiskError) {
  fflush(stdout);
  int saved = dup(STDOUT_FILENO);
  int full = open("/dev/full", O_WRONLY);
  dup2(full, STDOUT_FILENO);
  ErrorCode code = ErrorCode::kBug;
  try {
    std::unique_ptr<SeedOutput> output = OpenSeedOutput("-", GetParam());
    output->Write("in vain");
    output->Commit();
  } catch (const Error& error) {
    code = error.code();
  }
  dup2(saved, STDOUT_FILENO);
  close(full);
  close(saved);
  EXPECT_EQ(code, ErrorCode::kDisk);
}

// Another user of the machine, in a directory that everyone may write to.
class SharedDirectoryTest : public ::testing::Test {
 protected:
  SharedDirectoryTest() {
    fs::permissions(shared_.path(), fs::perms::all | fs::perms::sticky_bit);
    WriteFileAtomically(own_ / "victim", "precious");
  }

  // Runs as another user where that is possible; our own files are trusted.
  void Plant(const std::vector<std::string>& words) { testing::MustRun({.argv = words, .user = "nobody"}); }

  Error ErrorOfWriting(const fs::path& path) {
    try {
      OpenSeedOutput(path, Compression::kNone)->Write("rows");
    } catch (const Error& error) {
      return error;
    }
    ADD_FAILURE() << "written to " << path;
    return Error(ErrorCode::kBug, "");
  }

  TempDir shared_;
  TempDir own_;
};

TEST_F(SharedDirectoryTest, LinksAndPipesOfOthersGetNoRows) {
  if (!testing::IsRoot()) {  // Without root there is no other user: our own files then show what is trusted.
    fs::create_symlink(own_ / "victim", shared_ / "seed.sql");
    OpenSeedOutput(shared_ / "seed.sql", Compression::kNone)->Commit();
    EXPECT_TRUE(fs::is_symlink(shared_ / "seed.sql"));
    return;
  }
  Plant({"ln", "-s", own_ / "victim", shared_ / "seed.sql"});
  Plant({"ln", "-s", own_ / "victim", shared_ / "seed.sql.tmp"});
  Error error = ErrorOfWriting(shared_ / "seed.sql");
  EXPECT_EQ(error.code(), ErrorCode::kDisk);
  EXPECT_THAT(error.what(), ::testing::HasSubstr("a link of another user"));

  // A link of ours that leads there is refused too.
  fs::create_symlink(shared_ / "seed.sql", own_ / "link");
  EXPECT_EQ(ErrorOfWriting(own_ / "link").code(), ErrorCode::kDisk);

  Plant({"mkfifo", "-m", "666", shared_ / "pipe"});
  const testing::Process reader({.argv = {"cat", shared_ / "pipe"}, .user = "nobody"});
  error = ErrorOfWriting(shared_ / "pipe");
  EXPECT_EQ(error.code(), ErrorCode::kDisk);
  EXPECT_THAT(error.what(), ::testing::HasSubstr("of another user"));
  EXPECT_EQ(reader.Out(), "");

  OpenSeedOutput(shared_ / "other.sql", Compression::kNone)->Commit();
  EXPECT_EQ(fs::status(shared_ / "other.sql").permissions(), fs::perms::owner_read | fs::perms::owner_write);
  EXPECT_EQ(ReadFile(own_ / "victim"), "precious");
}

}  // namespace
}  // namespace rotv
