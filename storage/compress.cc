#include "storage/compress.h"

#include <zstd.h>

#include "storage/error.h"

namespace rotv {
namespace {

constexpr size_t kSmallestBlock = 4;  // A header of three bytes, and a byte that is repeated.

}  // namespace

std::string ZstdCompress(std::string_view bytes, int level) {
  std::string out(ZSTD_compressBound(bytes.size()), '\0');
  size_t size = ZSTD_compress(out.data(), out.size(), bytes.data(), bytes.size(), level);
  if (ZSTD_isError(size)) throw Error(ErrorCode::kBug, std::string("zstd: ") + ZSTD_getErrorName(size));
  out.resize(size);
  return out;
}

std::string ZstdDecompress(std::string_view bytes, size_t most) {
  unsigned long long size = ZSTD_getFrameContentSize(bytes.data(), bytes.size());
  const char* broken = "the store holds compressed data that is damaged";
  if (size == ZSTD_CONTENTSIZE_ERROR || size == ZSTD_CONTENTSIZE_UNKNOWN) throw Error(ErrorCode::kCorrupt, broken);
  // A block has at least four bytes, so that a wrong size cannot have memory taken that no content could fill.
  if (size / ZSTD_BLOCKSIZE_MAX > bytes.size() / kSmallestBlock) throw Error(ErrorCode::kCorrupt, broken);
  if (size > most) throw Error(ErrorCode::kCorrupt, "compressed data is larger than it may be");
  std::string out(size, '\0');
  size_t written = ZSTD_decompress(out.data(), out.size(), bytes.data(), bytes.size());
  if (ZSTD_isError(written) || written != size) throw Error(ErrorCode::kCorrupt, broken);
  return out;
}

}  // namespace rotv
