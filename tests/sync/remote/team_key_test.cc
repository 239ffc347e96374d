#include "sync/remote/team_key.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "storage/atomic_file.h"
#include "storage/error.h"
#include "tests/support/files/temp_dir.h"
#include "tests/support/files/thrown.h"

namespace rotv::remote {
namespace {

using testing::CodeOf;
using Role = TeamKey::Role;

TEST(TeamKeyTest, OpensWhatItHasSealed) {
  const std::string text = TeamKey::NewText();
  const TeamKey key(text, "x"), same(text + "\r\n", "x");
  for (const std::string& bytes : {std::string(), std::string("x"), std::string(100'000, 'y')}) {
    const std::string sealed = key.Seal(Role::kObject, bytes);
    EXPECT_EQ(same.Open(Role::kObject, sealed), bytes);
    EXPECT_EQ(same.Seal(Role::kObject, bytes), sealed);
    EXPECT_EQ(sealed.find("yyyyyyyy"), std::string::npos);
  }
}

TEST(TeamKeyTest, OpensNothingElse) {
  const TeamKey key(TeamKey::NewText(), "x"), other(TeamKey::NewText(), "x");
  const std::string sealed = key.Seal(Role::kObject, "some bytes");
  EXPECT_NE(other.Seal(Role::kObject, "some bytes"), sealed);
  EXPECT_NE(key.Seal(Role::kHead, "some bytes").substr(0, 24), sealed.substr(0, 24));
  EXPECT_FALSE(other.Open(Role::kObject, sealed));
  EXPECT_FALSE(key.Open(Role::kHead, sealed));
  for (size_t i = 0; i < sealed.size(); ++i) {
    std::string changed = sealed;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    EXPECT_FALSE(key.Open(Role::kObject, changed)) << i;
    EXPECT_FALSE(key.Open(Role::kObject, sealed.substr(0, i))) << i;
  }
  EXPECT_FALSE(key.Open(Role::kObject, sealed + "x"));
}

TEST(TeamKeyTest, IsReadFromAFileOfItsOwnersAloneOrAVariable) {
  EXPECT_FALSE(ReadTeamKey({}));
  const testing::TempDir directory;
  const std::string file = directory / "team key";
  EXPECT_EQ(CodeOf([&] { ReadTeamKey({.file = file}); }), ErrorCode::kUsage);
  const std::string text = TeamKey::NewText();
  WriteNewFile(file, text + "\n");
  const std::string sealed = TeamKey(text, "x").Seal(Role::kHead, "bytes");
  EXPECT_EQ(ReadTeamKey({.file = file})->Open(Role::kHead, sealed), "bytes");
  EXPECT_EQ(ReadTeamKey({.variable = "KEY", .value = text})->Open(Role::kHead, sealed), "bytes");
  EXPECT_EQ(CodeOf([&] { ReadTeamKey({.variable = "KEY"}); }), ErrorCode::kUsage);
  ASSERT_EQ(chmod(file.c_str(), S_IRUSR | S_IWUSR | S_IRGRP), 0);
  EXPECT_EQ(CodeOf([&] { ReadTeamKey({.file = file}); }), ErrorCode::kUsage);
  for (const std::string& wrong :
       {std::string(), text.substr(1), text.substr(0, text.size() - 1), text + "A", std::string("rotv-team-key-1:")}) {
    EXPECT_EQ(CodeOf([&] { TeamKey(wrong, "x"); }), ErrorCode::kUsage) << wrong.size();
  }
}

}  // namespace
}  // namespace rotv::remote
