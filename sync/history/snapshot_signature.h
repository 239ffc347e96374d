// Signs the file of a snapshot, so that who gets it knows from whom it is: Ed25519 over a BLAKE2b hash of the file.
// The signature follows the snapshot in a frame that zstd passes over, so a program that does not know it reads the
// file all the same.

#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "storage/output_file.h"

namespace rotv::history {

using PublicKey = std::array<unsigned char, 32>;

struct SigningKey {
  std::array<unsigned char, 64> secret;  // As libsodium has it.
  PublicKey public_key;
};

// HOME/signing-key, which is made (0600, durable) where it is missing. Throws kUsage if it can be read by others or
// holds anything else; kDisk.
SigningKey ReadSigningKey(const std::filesystem::path& home);

// base64, without line ends.
std::string PublicKeyText(const PublicKey& key);
// Throws kUsage if `text` is neither a key in base64 nor the path of a file that holds one.
PublicKey ParsePublicKey(const std::string& text);

// Hashes what is signed.
class SnapshotHash {
 public:
  using Value = std::array<unsigned char, 64>;
  SnapshotHash();
  ~SnapshotHash();
  void Add(std::string_view bytes);
  Value Finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Passes on what is written; Commit() adds the signature of it.
std::unique_ptr<SeedOutput> SignOutput(std::unique_ptr<SeedOutput> output, const SigningKey& key);

struct SignedPart {
  uint64_t size = 0;  // Of the file, from its start on.
  SnapshotHash::Value hash{};
};

// Reads the file and goes back to its start. Throws kCorrupt if it is not signed, or not by `key`; kUsage if it is none
// that can be read twice.
SignedPart VerifySignature(int file, const std::filesystem::path& path, const PublicKey& key);

}  // namespace rotv::history
