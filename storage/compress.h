// zstd compression of whole strings.

#pragma once

#include <string>
#include <string_view>

namespace rotv {

std::string ZstdCompress(std::string_view bytes);
// Throws kCorrupt if `bytes` is not one whole frame.
std::string ZstdDecompress(std::string_view bytes);

}  // namespace rotv
