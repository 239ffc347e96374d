#include "sync/context/signing_key.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <future>
#include <vector>

#include "storage/error.h"
#include "tests/support/files/subprocess.h"
#include "tests/support/files/temp_dir.h"
#include "tests/support/files/thrown.h"

namespace rotv {
namespace {

using testing::CodeOf;

TEST(SigningKeyTest, IsMadeOnceForItsOwnerAlone) {
  const testing::TempDir home;
  const SigningKey key = ReadSigningKey(home.path());
  EXPECT_EQ(ReadSigningKey(home.path()).public_key, key.public_key);
  struct stat status {};
  ASSERT_EQ(stat((home / "signing-key").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
  ASSERT_EQ(chmod((home / "signing-key").c_str(), 0640), 0);
  EXPECT_EQ(CodeOf([&] { ReadSigningKey(home.path()); }), ErrorCode::kUsage);
  const testing::TempDir other;
  EXPECT_NE(ReadSigningKey(other.path()).public_key, key.public_key);
}

TEST(SigningKeyTest, OfTwoFirstRunsAtOnceOneMakesIt) {
  for (int round = 0; round < 20; ++round) {
    const testing::TempDir home;
    std::vector<std::future<PublicKey>> keys;
    for (int run = 0; run < 8; ++run) {
      keys.push_back(std::async(std::launch::async, [&] { return ReadSigningKey(home.path()).public_key; }));
    }
    const PublicKey kept = ReadSigningKey(home.path()).public_key;
    for (std::future<PublicKey>& key : keys) ASSERT_EQ(key.get(), kept);
  }
}

TEST(SigningKeyTest, IsFoundOnlyIfThereIsOne) {
  const testing::TempDir home;
  EXPECT_FALSE(FindSigningKey(home.path()));
  EXPECT_FALSE(std::filesystem::exists(home / "signing-key"));
  const PublicKey key = ReadSigningKey(home.path()).public_key;
  EXPECT_EQ(FindSigningKey(home.path())->public_key, key);
}

TEST(SigningKeyTest, EachRemoteHasAKeyOfItsOwn) {
  const testing::TempDir home;
  const SigningKey key = ReadSigningKey(home.path());
  const PublicKey one = KeyForRemote(key, "production", "team").public_key;
  EXPECT_EQ(KeyForRemote(key, "production", "team").public_key, one);
  EXPECT_NE(KeyForRemote(key, "production", "another").public_key, one);
  EXPECT_NE(KeyForRemote(key, "staging", "team").public_key, one);
  EXPECT_NE(key.public_key, one);
}

TEST(SigningKeyTest, ASignatureIsOfOneTextByOneKey) {
  const testing::TempDir home;
  const SigningKey key = ReadSigningKey(home.path());
  const SigningKey other = KeyForRemote(key, "a", "b");
  const std::string signature = Sign(key, "a text");
  EXPECT_TRUE(IsSignedBy(key.public_key, "a text", signature));
  EXPECT_FALSE(IsSignedBy(other.public_key, "a text", signature));
  EXPECT_FALSE(IsSignedBy(key.public_key, "a tex", signature));
  EXPECT_FALSE(IsSignedBy(key.public_key, "a text", signature.substr(1)));
  EXPECT_EQ(SignatureOfText(SignatureText(signature)), signature);
}

TEST(SigningKeyTest, APublicKeyIsATextOrAFile) {
  const testing::TempDir home;
  const PublicKey key = ReadSigningKey(home.path()).public_key;
  const std::string text = PublicKeyText(key);
  EXPECT_EQ(ParsePublicKey(text + "\n"), key);
  testing::WriteFile(home / "key.pub", text + "\n");
  EXPECT_EQ(ParsePublicKey(home / "key.pub"), key);
  EXPECT_FALSE(PublicKeyOfText(text + "A"));
  for (const std::string& wrong : {std::string(), text.substr(1), text + "A", home.path().native()}) {
    EXPECT_EQ(CodeOf([&] { ParsePublicKey(wrong); }), ErrorCode::kUsage) << wrong;
  }
}

}  // namespace
}  // namespace rotv
