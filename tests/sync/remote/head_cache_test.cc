#include "sync/remote/head_cache.h"

#include <gtest/gtest.h>

#include "sync/remote/head_object.h"
#include "tests/support/files/subprocess.h"
#include "tests/support/files/temp_dir.h"

namespace rotv::remote {
namespace {

TEST(HeadCacheTest, AHeadIsKnownToTheNextRunOfTheSamePlaceOnly) {
  const testing::TempDir directory;
  const std::filesystem::path file = directory / "remote-head";
  const auto known_at = [&](const std::string& place) {
    HeadCache cache(place);
    cache.UseFile(file);
    return cache.known();
  };
  EXPECT_EQ(known_at("here").tag, "");
  HeadCache cache("here");
  cache.UseFile(file);
  const std::string head = PackHead({}, nullptr, nullptr);
  cache.Set({.tag = "\"1\"", .bytes = head});
  EXPECT_EQ(known_at("here").tag, "\"1\"");
  EXPECT_EQ(known_at("here").bytes, head);
  EXPECT_EQ(known_at("there").tag, "");
  const std::string whole = testing::ReadFile(file);
  for (size_t size = 0; size < whole.size(); ++size) {
    testing::WriteFile(file, whole.substr(0, size));
    EXPECT_EQ(known_at("here").tag, "") << size;
  }
  testing::WriteFile(file, whole);
  cache.Clear();
  EXPECT_EQ(known_at("here").tag, "");
}

TEST(HeadCacheTest, NobodyAsksByTheTagOfADamagedHead) {
  const testing::TempDir directory;
  const std::filesystem::path file = directory / "remote-head";
  const std::string head = PackHead({}, nullptr, nullptr);
  HeadCache cache("here");
  cache.UseFile(file);
  for (size_t place = 0; place < head.size(); ++place) {
    std::string damaged = head;
    damaged[place] ^= 1;
    cache.Set({.tag = "\"1\"", .bytes = damaged});
    EXPECT_EQ(cache.TagToAskBy(), "") << place;
    EXPECT_EQ(cache.known().tag, "\"1\"");
  }
  EXPECT_FALSE(std::filesystem::exists(file));
  cache.Set({.tag = "\"1\"", .bytes = head});
  EXPECT_EQ(cache.TagToAskBy(), "\"1\"");
  HeadCache next("here");
  next.UseFile(file);
  EXPECT_EQ(next.TagToAskBy(), "\"1\"");
}

}  // namespace
}  // namespace rotv::remote
