#include "storage/file_checksum.h"

#include <gtest/gtest.h>

#include <fstream>

#include "storage/output_file.h"
#include "tests/support/files/temp_dir.h"

namespace rotv {
namespace {

TEST(FileChecksumTest, AnOutputKnowsThatOfTheFileThatItWrote) {
  const testing::TempDir directory;
  for (const Compression compression : {Compression::kNone, Compression::kZstd, Compression::kGzip}) {
    const std::filesystem::path path = directory / "seed";
    const std::unique_ptr<SeedOutput> output = OpenSeedOutput(path, compression);
    for (int i = 0; i < 100'000; ++i) output->Write(std::to_string(i) + "\tsome line\n");
    output->Commit();
    EXPECT_EQ(output->checksum(), ChecksumOf(path));
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(std::filesystem::file_size(path) / 2));
    const char byte = static_cast<char>(file.peek());
    file.put(static_cast<char>(byte ^ 1)).flush();
    EXPECT_NE(output->checksum(), ChecksumOf(path));
  }
}

TEST(FileChecksumTest, APartMakesNoDifference) {
  FileChecksum whole, parts;
  whole.Add("abcdef");
  parts.Add("ab");
  parts.Add("");
  parts.Add("cdef");
  EXPECT_EQ(whole.value(), parts.value());
  EXPECT_EQ(ChecksumText(0x1a2b), "0000000000001a2b");
}

}  // namespace
}  // namespace rotv
