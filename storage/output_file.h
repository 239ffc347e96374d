// Where a seed goes: a file that is replaced when the new one is complete, or standard output; plain or compressed.

#pragma once

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
  // Everything was written: compress what is left, make it durable, take the old file's place.
  virtual void Commit() = 0;
};

// Compresses on the way to `output`.
std::unique_ptr<SeedOutput> CompressInto(std::unique_ptr<SeedOutput> output, Compression compression);

// `path` "-" is standard output.
std::unique_ptr<SeedOutput> OpenSeedOutput(const std::filesystem::path& path, Compression compression);

}  // namespace rotv
