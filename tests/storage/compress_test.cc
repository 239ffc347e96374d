#include "storage/compress.h"

#include <gtest/gtest.h>

#include <random>

#include "tests/storage/store_fixture.h"

namespace rotv {
namespace {

using testing::CodeOf;

TEST(CompressTest, CompressedDataDecompressesToTheOriginal) {
  std::mt19937 random(4);
  for (size_t size : {size_t{0}, size_t{1}, size_t{1000}, size_t{3} << 20}) {
    std::string noise(size, '\0');
    for (char& byte : noise) byte = static_cast<char>(random());
    EXPECT_EQ(ZstdDecompress(ZstdCompress(noise)), noise);
    EXPECT_EQ(ZstdDecompress(ZstdCompress(std::string(size, 'a'))), std::string(size, 'a'));
  }
}

TEST(CompressTest, EveryTruncationIsCorrupt) {
  std::string whole = ZstdCompress("a text that is long enough to be a frame with a few blocks in it");
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_EQ(CodeOf([&] { ZstdDecompress(std::string_view(whole).substr(0, size)); }), ErrorCode::kCorrupt) << size;
  }
}

TEST(CompressTest, DataThatIsNotAFrameIsCorrupt) {
  EXPECT_EQ(CodeOf([] { ZstdDecompress("not zstd at all"); }), ErrorCode::kCorrupt);
  EXPECT_EQ(CodeOf([] { ZstdDecompress(ZstdCompress("a") + "more"); }), ErrorCode::kCorrupt);
}

// A wrong size took as much memory as it said, or ended the program.
TEST(CompressTest, AFrameThatClaimsMoreThanItCanHoldIsCorrupt) {
  std::string frame = ZstdCompress(std::string(1 << 20, 'a'));
  const auto place = frame.find(std::string("\x00\x00\x10\x00", 4), 4);
  ASSERT_EQ(place, 5u) << "the size of the content";
  frame.replace(place, 4, "\xFF\xFF\xFF\x7F");
  EXPECT_EQ(CodeOf([&] { ZstdDecompress(frame); }), ErrorCode::kCorrupt);
}

}  // namespace
}  // namespace rotv
