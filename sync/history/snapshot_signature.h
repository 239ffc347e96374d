// Signs the file of a snapshot, so that its recipient can tell who exported it: Ed25519 over a BLAKE2b hash of the
// file. The signature follows the snapshot in a frame that zstd skips, so a program that does not know signatures can
// still read the file.

#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string_view>

#include "storage/output_file.h"
#include "sync/context/signing_key.h"

namespace rotv::history {

// Computes the hash that is signed.
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

// Returns an output that passes on what is written; Commit() appends the signature.
std::unique_ptr<SeedOutput> SignOutput(std::unique_ptr<SeedOutput> output, const SigningKey& key);

struct SignedPart {
  uint64_t size = 0;  // In bytes, from the file's start.
  SnapshotHash::Value hash{};
};

// Reads the file and returns to its start. Throws kCorrupt if it is not signed, or not by `key`; kUsage if it cannot be
// read twice.
SignedPart VerifySignature(int file, const std::filesystem::path& path, const PublicKey& key);

}  // namespace rotv::history
