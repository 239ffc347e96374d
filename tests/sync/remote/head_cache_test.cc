#include "sync/remote/head_cache.h"

#include <gtest/gtest.h>

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
  cache.Set({.tag = "\"1\"", .bytes = "head\nwith lines"});
  EXPECT_EQ(known_at("here").tag, "\"1\"");
  EXPECT_EQ(known_at("here").bytes, "head\nwith lines");
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

}  // namespace
}  // namespace rotv::remote
