#include "sync/context/signing_key.h"

#include <fmt/format.h>
#include <sodium.h>
#include <sys/stat.h>

#include <cctype>
#include <cerrno>

#include "storage/atomic_file.h"
#include "storage/error.h"

namespace rotv {
namespace {

namespace fs = std::filesystem;

using Seed = std::array<unsigned char, crypto_sign_SEEDBYTES>;
constexpr int kVariant = sodium_base64_VARIANT_ORIGINAL;

void StartSodium() {
  if (sodium_init() < 0) throw Error(ErrorCode::kBug, "libsodium cannot be used here");
}

const unsigned char* Bytes(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

std::string Base64(const unsigned char* bytes, size_t size) {
  std::string text(sodium_base64_ENCODED_LEN(size, kVariant), '\0');
  sodium_bin2base64(text.data(), text.size(), bytes, size, kVariant);
  text.pop_back();  // The zero byte at the end.
  return text;
}

// True if `text` is base64 of `size` bytes.
bool FromBase64(std::string_view text, unsigned char* bytes, size_t size) {
  size_t length = 0;
  const char* end = nullptr;
  return sodium_base642bin(bytes, size, text.data(), text.size(), nullptr, &length, &end, kVariant) == 0 &&
         length == size && end == text.data() + text.size();
}

std::string WithoutSpaceAtItsEnd(std::string text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())) != 0) text.pop_back();
  return text;
}

SigningKey KeyOfSeed(Seed& seed) {
  SigningKey key;
  crypto_sign_seed_keypair(key.public_key.data(), key.secret.data(), seed.data());
  sodium_memzero(seed.data(), seed.size());
  return key;
}

}  // namespace

SigningKey ReadSigningKey(const fs::path& home) {
  StartSodium();
  const fs::path path = home / "signing-key";
  Seed seed;
  if (!fs::exists(path)) {
    randombytes_buf(seed.data(), seed.size());
    AtomicFile file(path);
    file.Write(Base64(seed.data(), seed.size()) + "\n");
    // Another run may have made one, and given its public key to others: then that one counts.
    file.CommitIfMissing();
  }
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) ThrowDiskError("read", path, errno);
  if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    throw Error(ErrorCode::kUsage, fmt::format("the signing key, {}, can be read by others", path.native()),
                fmt::format("others may know it: delete it, and tell those who have its public key"));
  }
  if (!FromBase64(WithoutSpaceAtItsEnd(ReadFile(path)), seed.data(), seed.size())) {
    throw Error(ErrorCode::kUsage, fmt::format("{} holds no signing key", path.native()),
                "put it back from a backup, or delete it: the next one has another public key");
  }
  return KeyOfSeed(seed);
}

std::optional<SigningKey> FindSigningKey(const fs::path& home) {
  if (!fs::exists(home / "signing-key")) return std::nullopt;
  return ReadSigningKey(home);
}

SigningKey KeyForRemote(const SigningKey& home_key, const std::string& source, const std::string& remote) {
  StartSodium();
  Seed home_seed;
  crypto_sign_ed25519_sk_to_seed(home_seed.data(), home_key.secret.data());
  const std::string name = fmt::format("rotv remote key 1\n{}\n{}\n", source, remote);
  Seed seed;
  crypto_generichash(seed.data(), seed.size(), Bytes(name), name.size(), home_seed.data(), home_seed.size());
  sodium_memzero(home_seed.data(), home_seed.size());
  return KeyOfSeed(seed);
}

std::string Sign(const SigningKey& key, std::string_view text) {
  StartSodium();
  std::string signature(kSignatureBytes, '\0');
  static_assert(kSignatureBytes == crypto_sign_BYTES);
  crypto_sign_detached(reinterpret_cast<unsigned char*>(signature.data()), nullptr, Bytes(text), text.size(),
                       key.secret.data());
  return signature;
}

bool IsSignedBy(const PublicKey& key, std::string_view text, std::string_view signature) {
  StartSodium();
  return signature.size() == kSignatureBytes &&
         crypto_sign_verify_detached(Bytes(signature), Bytes(text), text.size(), key.data()) == 0;
}

std::string SignatureText(std::string_view signature) { return Base64(Bytes(signature), signature.size()); }

std::optional<std::string> SignatureOfText(std::string_view text) {
  StartSodium();
  std::string signature(kSignatureBytes, '\0');
  if (!FromBase64(text, reinterpret_cast<unsigned char*>(signature.data()), signature.size())) return std::nullopt;
  return signature;
}

std::string PublicKeyText(const PublicKey& key) { return Base64(key.data(), key.size()); }

std::optional<PublicKey> PublicKeyOfText(std::string_view text) {
  StartSodium();
  PublicKey key;
  if (!FromBase64(text, key.data(), key.size())) return std::nullopt;
  return key;
}

PublicKey ParsePublicKey(const std::string& text) {
  if (const std::optional<PublicKey> key = PublicKeyOfText(WithoutSpaceAtItsEnd(text))) return *key;
  std::error_code error;
  constexpr uint64_t kMostSize = 1000;
  if (fs::is_regular_file(text, error) && fs::file_size(text, error) <= kMostSize) {
    if (const std::optional<PublicKey> key = PublicKeyOfText(WithoutSpaceAtItsEnd(ReadFile(text)))) return *key;
  }
  throw Error(ErrorCode::kUsage, fmt::format("\"{}\" is neither a public key nor a file that holds one", text),
              "it is 44 characters of base64, as snapshot export --sign and publish print it");
}

}  // namespace rotv
