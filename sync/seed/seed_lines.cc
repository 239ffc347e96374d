#include "sync/seed/seed_lines.h"

#include <fmt/format.h>
#include <zlib.h>
#include <zstd.h>

#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "storage/error.h"

namespace rotv::seed {
namespace {

constexpr size_t kPiece = 256 << 10;

[[noreturn]] void FailToRead(const std::filesystem::path& path, const std::string& why) {
  throw Error(ErrorCode::kDisk, fmt::format("{} cannot be read: {}", path.native(), why));
}

[[noreturn]] void FailAsDamaged(const std::filesystem::path& path) {
  throw Error(ErrorCode::kCorrupt, fmt::format("{} is damaged", path.native()),
              "write it again: rotv-sync materialize");
}

// Cuts pieces of text into lines.
class LineCutter {
 public:
  explicit LineCutter(const std::function<void(std::string_view)>& line) : line_(line) {}

  void Add(std::string_view piece) {
    for (size_t end; (end = piece.find('\n')) != std::string_view::npos; piece.remove_prefix(end + 1)) {
      if (begun_.empty()) {
        line_(piece.substr(0, end));
      } else {
        line_(begun_.append(piece.substr(0, end)));
        begun_.clear();
      }
    }
    begun_ += piece;
  }
  void End() {
    if (!begun_.empty()) line_(begun_);
  }

 private:
  const std::function<void(std::string_view)>& line_;
  std::string begun_;
};

// gzread() returns a file that is not compressed as it is.
void ReadPlainOrGzip(const std::filesystem::path& path, LineCutter& lines) {
  std::unique_ptr<gzFile_s, int (*)(gzFile)> file(gzopen(path.c_str(), "rb"), gzclose);
  if (!file) FailToRead(path, "it cannot be opened");
  std::vector<char> piece(kPiece);
  int read = 0;
  while ((read = gzread(file.get(), piece.data(), static_cast<unsigned>(piece.size()))) > 0) {
    lines.Add({piece.data(), static_cast<size_t>(read)});
  }
  int problem = Z_OK;
  gzerror(file.get(), &problem);
  if (read < 0 || problem != Z_OK) FailAsDamaged(path);
}

void ReadZstd(const std::filesystem::path& path, LineCutter& lines) {
  std::ifstream file(path, std::ios::binary);
  if (!file) FailToRead(path, "it cannot be opened");
  std::unique_ptr<ZSTD_DCtx, size_t (*)(ZSTD_DCtx*)> context(ZSTD_createDCtx(), ZSTD_freeDCtx);
  std::vector<char> compressed(kPiece), piece(kPiece);
  size_t left = 0;  // 0 at the end of a frame.
  while (file.read(compressed.data(), static_cast<std::streamsize>(compressed.size())), file.gcount() > 0) {
    ZSTD_inBuffer in{compressed.data(), static_cast<size_t>(file.gcount()), 0};
    while (in.pos < in.size) {
      ZSTD_outBuffer out{piece.data(), piece.size(), 0};
      left = ZSTD_decompressStream(context.get(), &out, &in);
      if (ZSTD_isError(left) != 0) FailAsDamaged(path);
      lines.Add({piece.data(), out.pos});
    }
  }
  if (left != 0) FailAsDamaged(path);
}

}  // namespace

void ForEachSeedLine(const std::filesystem::path& path, const std::function<void(std::string_view)>& line) {
  LineCutter lines(line);
  if (path.extension() == ".zst") {
    ReadZstd(path, lines);
  } else {
    ReadPlainOrGzip(path, lines);
  }
  lines.End();
}

}  // namespace rotv::seed
