// The destination of a seed: a file that is replaced once the new one is complete, or standard output; plain or
// compressed.

#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string_view>

namespace rotv {

enum class Compression { kNone, kZstd, kGzip };

class SeedOutput {
 public:
  virtual ~SeedOutput() = default;
  // Throws kDisk, naming the path.
  virtual void Write(std::string_view bytes) = 0;
  // Finishes the output after the last Write(): flushes the compressor, makes the file durable and replaces the old
  // one. Throws kDisk.
  virtual void Commit() = 0;
  // The checksum (FileChecksum) of the file, once it is complete; 0 for a stream.
  virtual uint64_t checksum() const { return 0; }
};

// Wraps `output` so that what is written is compressed first.
std::unique_ptr<SeedOutput> CompressInto(std::unique_ptr<SeedOutput> output, Compression compression);

// Opens the output at `path`; "-" is standard output. Throws kDisk.
std::unique_ptr<SeedOutput> OpenSeedOutput(const std::filesystem::path& path, Compression compression);

}  // namespace rotv
