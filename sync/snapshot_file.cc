#include "sync/snapshot_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>
#include <zstd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "storage/atomic_file.h"
#include "storage/error.h"
#include "storage/handle.h"

namespace rotv {
namespace {

constexpr size_t kLengthBytes = 4;
// PostgreSQL allows a gigabyte in a value; protobuf two in a message.
constexpr size_t kLargestRecord = size_t{2'000} << 20;

void PutLength(uint32_t length, char* to) {
  for (size_t i = 0; i < kLengthBytes; ++i) to[i] = static_cast<char>(length >> (8 * (kLengthBytes - 1 - i)));
}

uint32_t GetLength(const char* from) {
  uint32_t length = 0;
  for (size_t i = 0; i < kLengthBytes; ++i) length = length << 8 | static_cast<unsigned char>(from[i]);
  return length;
}

}  // namespace

SnapshotFileWriter::SnapshotFileWriter(const std::filesystem::path& path)
    : output_(OpenSeedOutput(path, Compression::kZstd)) {}

void SnapshotFileWriter::Write(const proto::SnapshotRecord& record) {
  std::string bytes(kLengthBytes, '\0');
  record.AppendToString(&bytes);
  PutLength(static_cast<uint32_t>(bytes.size() - kLengthBytes), bytes.data());
  output_->Write(bytes);
}

void SnapshotFileWriter::Commit() { output_->Commit(); }

struct SnapshotFileReader::State {
  struct Free {
    void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
  };
  FileDescriptor file;
  std::unique_ptr<ZSTD_DCtx, Free> context{ZSTD_createDCtx()};
  std::vector<char> buffer = std::vector<char>(ZSTD_DStreamInSize());
  ZSTD_inBuffer in{nullptr, 0, 0};
  size_t frame_left = 1;  // 0: the frame has ended, and its checksum was right.
};

SnapshotFileReader::SnapshotFileReader(const std::filesystem::path& path)
    : path_(path), state_(std::make_unique<State>()) {
  state_->file = FileDescriptor(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!state_->file) {
    throw Error(ErrorCode::kUsage, fmt::format("{} cannot be read: {}", path.native(), std::strerror(errno)),
                "name a file that rotv-sync snapshot export has written");
  }
}

SnapshotFileReader::~SnapshotFileReader() = default;

void SnapshotFileReader::ThrowDamaged(const std::string& what) const {
  if (first_) {
    throw Error(ErrorCode::kUsage, fmt::format("{} is no snapshot: {}", path_.native(), what),
                "name a file that rotv-sync snapshot export has written");
  }
  throw Error(ErrorCode::kCorrupt, fmt::format("{} is damaged: {}", path_.native(), what), "copy or export it again");
}

size_t SnapshotFileReader::Read(char* to, size_t size) {
  ZSTD_outBuffer out{to, size, 0};
  while (out.pos < out.size) {
    if (state_->in.pos == state_->in.size) {
      ssize_t got = read(state_->file.get(), state_->buffer.data(), state_->buffer.size());
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) ThrowDiskError("read", path_, errno);
      if (got == 0) break;
      bytes_read_ += static_cast<uint64_t>(got);
      state_->in = {state_->buffer.data(), static_cast<size_t>(got), 0};
    }
    state_->frame_left = ZSTD_decompressStream(state_->context.get(), &out, &state_->in);
    if (ZSTD_isError(state_->frame_left)) ThrowDamaged(ZSTD_getErrorName(state_->frame_left));
  }
  return out.pos;
}

bool SnapshotFileReader::Next(proto::SnapshotRecord* record) {
  char length_bytes[kLengthBytes];
  size_t got = Read(length_bytes, kLengthBytes);
  if (got == 0) {
    // What the decompressor holds back until the frame's checksum is right comes with nothing.
    if (first_ || state_->frame_left != 0) ThrowDamaged("its end is missing");
    return false;
  }
  size_t length = got == kLengthBytes ? GetLength(length_bytes) : 0;
  if (got < kLengthBytes || length > kLargestRecord) ThrowDamaged("a record has no length");
  // In pieces: a wrong length must not take memory that the file has no bytes for.
  constexpr size_t kPiece = size_t{1} << 20;
  std::string bytes;
  while (bytes.size() < length) {
    size_t begin = bytes.size();
    bytes.resize(std::min(length, begin + kPiece));
    if (Read(bytes.data() + begin, bytes.size() - begin) < bytes.size() - begin) ThrowDamaged("its end is missing");
  }
  if (!record->ParseFromString(bytes)) ThrowDamaged("a record cannot be understood");
  if (first_ && !record->has_head()) ThrowDamaged("it does not begin like one");
  if (first_ && record->head().format() != kSnapshotFileFormat) {
    throw Error(ErrorCode::kUsage,
                fmt::format("{} has format {}, this program knows {}", path_.native(), record->head().format(),
                            kSnapshotFileFormat),
                "use the newer rotv-sync that wrote it");
  }
  first_ = false;
  return true;
}

}  // namespace rotv
