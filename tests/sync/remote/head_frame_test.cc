#include "sync/remote/head_frame.h"

#include <gtest/gtest.h>

#include "storage/error.h"
#include "tests/support/files/temp_dir.h"
#include "tests/support/files/thrown.h"

namespace rotv::remote {
namespace {

using testing::CodeOf;

class HeadFrameTest : public ::testing::Test {
 protected:
  static ErrorCode CodeOfOpening(const std::string& bytes) {
    return CodeOf([&] { OpenFrame(bytes, "x"); });
  }

  const testing::TempDir home_;
  const SigningKey key_ = KeyForRemote(ReadSigningKey(home_.path()), "production", "team");
  const SigningKey other_ = KeyForRemote(ReadSigningKey(home_.path()), "production", "another");
};

TEST_F(HeadFrameTest, HasWhatWasPutIntoIt) {
  for (const Sealed sealed : {Sealed::kNo, Sealed::kYes}) {
    for (const SigningKey* key : {static_cast<const SigningKey*>(nullptr), &key_}) {
      const std::string bytes = FrameHead("content\n\n", sealed, key);
      EXPECT_TRUE(IsIntactHead(bytes));
      const HeadFrame frame = OpenFrame(bytes, "x");
      EXPECT_EQ(frame.content, "content\n\n");
      EXPECT_EQ(frame.is_sealed, sealed == Sealed::kYes);
      EXPECT_EQ(frame.signer, key == nullptr ? std::nullopt : std::optional(key_.public_key));
    }
  }
}

TEST_F(HeadFrameTest, AnyDamageIsFound) {
  for (const SigningKey* key : {static_cast<const SigningKey*>(nullptr), &key_}) {
    const std::string bytes = FrameHead("some content", Sealed::kNo, key);
    for (size_t i = 0; i < bytes.size(); ++i) {
      std::string damaged = bytes;
      damaged[i] = static_cast<char>(damaged[i] ^ 1);
      EXPECT_FALSE(IsIntactHead(damaged)) << i;
      EXPECT_NE(CodeOfOpening(damaged), ErrorCode::kBug) << i;
      EXPECT_EQ(CodeOfOpening(bytes.substr(0, i)), ErrorCode::kCorrupt) << i;
    }
  }
  std::string later = FrameHead("some content", Sealed::kNo, nullptr);
  later.replace(0, 13, "rotv remote 3");
  EXPECT_EQ(CodeOfOpening(later), ErrorCode::kUsage);
}

// Whoever may write to the place can make the hash fit, but not the signature.
TEST_F(HeadFrameTest, ASignatureFitsItsOwnContentAndFormAlone) {
  const std::string bytes = FrameHead("content", Sealed::kNo, &key_);
  const std::string signature_lines = bytes.substr(14 + 65, 45 + 89);
  // A form without a signature carries anything: it gets hash and all right.
  const auto forged = [](std::string_view first_line, const std::string& after) {
    const std::string open = FrameHead(after, Sealed::kNo, nullptr);
    return std::string(first_line) + open.substr(14);
  };
  EXPECT_EQ(OpenFrame(forged("rotv remote 2\n", signature_lines + "content"), "x").signer, key_.public_key);
  EXPECT_EQ(CodeOfOpening(forged("rotv remote 2\n", signature_lines + "contents")), ErrorCode::kCorrupt);
  EXPECT_EQ(CodeOfOpening(forged("rotv sealed remote 2\n", signature_lines + "content")), ErrorCode::kCorrupt);
  const std::string others = FrameHead("content", Sealed::kNo, &other_).substr(14 + 65, 45 + 89);
  EXPECT_EQ(CodeOfOpening(forged("rotv remote 2\n", others.substr(0, 45) + signature_lines.substr(45) + "content")),
            ErrorCode::kCorrupt);
  EXPECT_EQ(CodeOfOpening(forged("rotv remote 2\n", std::string(134, 'A') + "content")), ErrorCode::kCorrupt);
}

TEST_F(HeadFrameTest, IsOfWhomItIsExpectedFromOrRefused) {
  const std::string open = FrameHead("content", Sealed::kNo, nullptr);
  const std::string is_signed = FrameHead("content", Sealed::kNo, &key_);
  const std::vector<PublicKey> nobody, right = {other_.public_key, key_.public_key}, wrong = {other_.public_key};
  RequireSigner(open, "x", nobody);
  RequireSigner(is_signed, "x", right);
  const auto code = [](const std::string& bytes, const std::vector<PublicKey>& trusted) {
    return CodeOf([&] { RequireSigner(bytes, "x", trusted); });
  };
  EXPECT_EQ(code(open, right), ErrorCode::kCorrupt);
  EXPECT_EQ(code(is_signed, wrong), ErrorCode::kCorrupt);
  EXPECT_EQ(code(is_signed, nobody), ErrorCode::kUsage);
  EXPECT_NE(
      testing::ErrorOf([&] { RequireSigner(is_signed, "x", nobody); }).hint().find(PublicKeyText(key_.public_key)),
      std::string::npos);
}

}  // namespace
}  // namespace rotv::remote
