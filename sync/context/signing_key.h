// Ed25519 keys: the one of a home, with which what it gives to others is signed, and the public keys by which others
// tell whom it is from.

#pragma once

#include <array>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace rotv {

using PublicKey = std::array<unsigned char, 32>;

struct SigningKey {
  std::array<unsigned char, 64> secret;  // In libsodium's form.
  PublicKey public_key;
};

// Reads HOME/signing-key, which is created (0600, durable) if it is missing. Throws kUsage if it can be read by others
// or holds anything else; kDisk.
SigningKey ReadSigningKey(const std::filesystem::path& home);

// The same, but nullopt if there is none: nothing is made.
std::optional<SigningKey> FindSigningKey(const std::filesystem::path& home);

// The key of one remote, which is made of the home's: so what is published in one is never taken for what is published
// in another. `source` and `remote` are their names in rotv.toml.
SigningKey KeyForRemote(const SigningKey& home_key, const std::string& source, const std::string& remote);

inline constexpr size_t kSignatureBytes = 64;
std::string Sign(const SigningKey& key, std::string_view text);
bool IsSignedBy(const PublicKey& key, std::string_view text, std::string_view signature);

// In base64, without line ends; and back again, nullopt if the text is nothing of the kind.
std::string SignatureText(std::string_view signature);
std::optional<std::string> SignatureOfText(std::string_view text);
std::string PublicKeyText(const PublicKey& key);
std::optional<PublicKey> PublicKeyOfText(std::string_view text);
// Throws kUsage if `text` is neither a key in base64 nor the path of a file that holds one.
PublicKey ParsePublicKey(const std::string& text);

}  // namespace rotv
