// zstd compression of whole strings.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace rotv {

constexpr int kUsualZstdLevel = 3;
constexpr int kFastZstdLevel = 1;

std::string ZstdCompress(std::string_view bytes, int level = kUsualZstdLevel);
// Throws kCorrupt if `bytes` is not one whole frame, or if it has more than `most` bytes unpacked.
std::string ZstdDecompress(std::string_view bytes, size_t most = SIZE_MAX);

}  // namespace rotv
