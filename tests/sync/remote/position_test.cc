#include "sync/remote/position.h"

#include <gtest/gtest.h>

#include "tests/support/files/temp_dir.h"

namespace rotv::remote {
namespace {

FoundHead HeadOf(std::optional<PublicKey> signer, bool is_sealed = false) {
  FoundHead found{.head = {}, .signer = signer, .is_sealed = is_sealed};
  found.head.set_generation("a generation");
  found.head.set_number(7);
  return found;
}

class PositionTest : public ::testing::Test {
 protected:
  const testing::TempDir home_;
  const SigningKey key_ = ReadSigningKey(home_.path());
  const PublicKey one_ = KeyForRemote(key_, "source", "one").public_key;
  const PublicKey other_ = KeyForRemote(key_, "source", "other").public_key;
};

TEST_F(PositionTest, WhatWasTakenUnsignedIsNotGoneOnWithOnceAKeyIsNamed) {
  const proto::RemotePosition open = PositionOf(HeadOf(std::nullopt));
  EXPECT_EQ(open.generation(), "a generation");
  EXPECT_EQ(open.number(), 7U);
  EXPECT_TRUE(GoesOn(open, HeadOf(std::nullopt), {}));
  EXPECT_FALSE(IsTrusted(open, {.signers = {one_}}));
  EXPECT_FALSE(GoesOn(open, HeadOf(one_), {.signers = {one_}}));
}

TEST_F(PositionTest, WhatOneKeyHasSignedIsNotGoneOnWithUnderAnother) {
  const proto::RemotePosition here = PositionOf(HeadOf(one_));
  EXPECT_TRUE(GoesOn(here, HeadOf(one_), {.signers = {other_, one_}}));
  EXPECT_TRUE(IsTrusted(here, {.signers = {other_, one_}}));
  EXPECT_FALSE(GoesOn(here, HeadOf(other_), {.signers = {other_, one_}}));
  EXPECT_FALSE(IsTrusted(here, {.signers = {other_}}));
  EXPECT_TRUE(GoesOn(here, HeadOf(std::nullopt), {}));  // Nobody is named any more.
}

TEST_F(PositionTest, WhatWasNotSealedIsNotGoneOnWithUnderATeamsKey) {
  FollowerKeys keys;
  keys.team.emplace(TeamKey::NewText(), "a place");
  EXPECT_FALSE(GoesOn(PositionOf(HeadOf(std::nullopt)), HeadOf(std::nullopt, true), keys));
  EXPECT_TRUE(GoesOn(PositionOf(HeadOf(std::nullopt, true)), HeadOf(std::nullopt, true), keys));
}

}  // namespace
}  // namespace rotv::remote
