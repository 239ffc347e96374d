// The names of objects: which of those in a place are a publisher's.

#include "sync/remote/object_hash.h"

#include <gtest/gtest.h>

#include <string>

namespace rotv::remote {
namespace {

TEST(ObjectHashTest, OnlyNamesOfHashesAreOurs) {
  const std::string hash = HashText(HashOf("x"));
  for (const std::string& name : {hash, hash + ".rotv-aB3dE6.tmp", hash + ".0123456789abcdef.part"}) {
    EXPECT_TRUE(IsOurs(name)) << name;
  }
  std::string upper = hash;
  upper[0] = 'A';
  for (const std::string& name :
       {std::string(), std::string("pack"), hash.substr(1), hash + "0", hash + "/x", "x/" + hash, upper, "." + hash}) {
    EXPECT_FALSE(IsOurs(name)) << name;
  }
}

}  // namespace
}  // namespace rotv::remote
