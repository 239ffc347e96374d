#include "sync/history/snapshot_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <google/protobuf/stubs/logging.h>
#include <unistd.h>
#include <zstd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>

#include "storage/atomic_file.h"
#include "storage/error.h"
#include "storage/handle.h"
#include "sync/formats/parsed_size.h"

namespace rotv::history {
namespace {

constexpr size_t kLengthBytes = 4;
// PostgreSQL allows a value of a gigabyte; protobuf a message of two.
constexpr size_t kLargestSignedRecord = size_t{2'000} << 20;
constexpr size_t kMostParsedBytes = size_t{80} << 20;
// 8 MiB; the compression level of an export looks back 2 MiB.
constexpr int kMostWindowLog = 23;

void PutLength(uint32_t length, char* to) {
  for (size_t i = 0; i < kLengthBytes; ++i) to[i] = static_cast<char>(length >> (8 * (kLengthBytes - 1 - i)));
}

uint32_t GetLength(const char* from) {
  uint32_t length = 0;
  for (size_t i = 0; i < kLengthBytes; ++i) length = length << 8 | static_cast<unsigned char>(from[i]);
  return length;
}

}  // namespace

SnapshotFileWriter::SnapshotFileWriter(const std::filesystem::path& path, const SigningKey* key) {
  std::unique_ptr<SeedOutput> file = OpenSeedOutput(path, Compression::kNone);
  if (key != nullptr) file = SignOutput(std::move(file), *key);
  output_ = CompressInto(std::move(file), Compression::kZstd);
}

void SnapshotFileWriter::Write(const proto::SnapshotRecord& record) {
  std::string bytes(kLengthBytes, '\0');
  record.AppendToString(&bytes);
  largest_record_ = std::max(largest_record_, bytes.size() - kLengthBytes);
  PutLength(static_cast<uint32_t>(bytes.size() - kLengthBytes), bytes.data());
  output_->Write(bytes);
}

void SnapshotFileWriter::Commit() { output_->Commit(); }

struct SnapshotFileReader::State {
  struct Free {
    void operator()(ZSTD_DCtx* unused) const { ZSTD_freeDCtx(unused); }
  };
  FileDescriptor file;
  std::unique_ptr<ZSTD_DCtx, Free> context{ZSTD_createDCtx()};
  std::vector<char> buffer = std::vector<char>(ZSTD_DStreamInSize());
  ZSTD_inBuffer in{nullptr, 0, 0};
  size_t frame_left = 1;  // 0: the frame has ended, and its checksum was right.
  std::optional<SignedPart> signed_part;
  SnapshotHash hash;  // Hash of the signed part, as far as it was read.
};

SnapshotFileReader::SnapshotFileReader(const std::filesystem::path& path, const PublicKey* key)
    : path_(path), state_(std::make_unique<State>()) {
  ZSTD_DCtx_setParameter(state_->context.get(), ZSTD_d_windowLogMax, kMostWindowLog);
  state_->file = FileDescriptor(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!state_->file) {
    throw Error(ErrorCode::kUsage, fmt::format("{} cannot be read: {}", path.native(), std::strerror(errno)),
                "name a file that rotv-sync snapshot export has written");
  }
  if (key != nullptr) state_->signed_part = VerifySignature(state_->file.get(), path_, *key);
}

SnapshotFileReader::~SnapshotFileReader() = default;

void SnapshotFileReader::ThrowDamaged(const std::string& what) const {
  if (first_) {
    throw Error(ErrorCode::kUsage, fmt::format("{} is no snapshot file: {}", path_.native(), what),
                "name a file that rotv-sync snapshot export has written");
  }
  throw Error(ErrorCode::kCorrupt, fmt::format("{} is damaged: {}", path_.native(), what), "copy or export it again");
}

// Returns false at the end of the file.
bool SnapshotFileReader::FillInput() {
  ssize_t got = 0;
  do {
    got = read(state_->file.get(), state_->buffer.data(), state_->buffer.size());
  } while (got < 0 && errno == EINTR);
  if (got < 0) ThrowDiskError("read", path_, errno);
  const auto size = static_cast<size_t>(got);
  if (state_->signed_part && bytes_read_ < state_->signed_part->size) {
    const uint64_t left = state_->signed_part->size - bytes_read_;
    state_->hash.Add({state_->buffer.data(), static_cast<size_t>(std::min<uint64_t>(size, left))});
  }
  bytes_read_ += size;
  state_->in = {state_->buffer.data(), size, 0};
  return size != 0;
}

void SnapshotFileReader::CheckEnd() {
  // The decompressor may hold back bytes until the frame's checksum is verified, so a missing end shows only here.
  if (first_ || state_->frame_left != 0) ThrowDamaged("its end is missing");
  if (state_->signed_part && state_->hash.Finish() != state_->signed_part->hash) {
    ThrowDamaged("it was changed while it was read");
  }
}

size_t SnapshotFileReader::Read(char* to, size_t size) {
  ZSTD_outBuffer out{to, size, 0};
  while (out.pos < out.size) {
    if (state_->in.pos == state_->in.size && !FillInput()) break;
    state_->frame_left = ZSTD_decompressStream(state_->context.get(), &out, &state_->in);
    if (ZSTD_isError(state_->frame_left)) ThrowDamaged(ZSTD_getErrorName(state_->frame_left));
  }
  return out.pos;
}

void SnapshotFileReader::Parse(const std::string& bytes, proto::SnapshotRecord* record) const {
  constexpr size_t kAlwaysFits = size_t{256} << 10;  // A message that consists of empty messages grows two hundredfold.
  if (!state_->signed_part && bytes.size() > kAlwaysFits &&
      !formats::FitsWhenParsed(*proto::SnapshotRecord::descriptor(), bytes, kMostParsedBytes)) {
    ThrowDamaged("a record would take too much memory");
  }
  const google::protobuf::LogSilencer silent;  // Errors are reported here instead.
  record->Clear();
  if (!record->ParseFromString(bytes)) ThrowDamaged("a record cannot be understood");
}

bool SnapshotFileReader::Next(proto::SnapshotRecord* record) {
  char length_bytes[kLengthBytes];
  size_t got = Read(length_bytes, kLengthBytes);
  if (got == 0) {
    CheckEnd();
    return false;
  }
  size_t length = got == kLengthBytes ? GetLength(length_bytes) : 0;
  if (got < kLengthBytes || length > kLargestSignedRecord) ThrowDamaged("a record has no length");
  if (length > kLargestUnsignedRecord && !state_->signed_part) {
    throw Error(ErrorCode::kCorrupt,
                fmt::format("{} holds a record of {} MiB; without a signature {} MiB are read", path_.native(),
                            length >> 20, kLargestUnsignedRecord >> 20),
                "have it exported with a signature (snapshot export --sign), and import it with --verify KEY");
  }
  // The record is read in pieces: a wrong length must not allocate memory that the file has no bytes for.
  constexpr size_t kPiece = size_t{1} << 20;
  std::string bytes;
  while (bytes.size() < length) {
    size_t begin = bytes.size();
    bytes.resize(std::min(length, begin + kPiece));
    if (Read(bytes.data() + begin, bytes.size() - begin) < bytes.size() - begin) ThrowDamaged("its end is missing");
  }
  Parse(bytes, record);
  if (first_ && !record->has_head()) ThrowDamaged("it does not begin like a snapshot file");
  if (first_ && record->head().format() != kSnapshotFileFormat) {
    throw Error(ErrorCode::kUsage,
                fmt::format("{} has format {}, this program knows {}", path_.native(), record->head().format(),
                            kSnapshotFileFormat),
                "use the newer rotv-sync that wrote it");
  }
  first_ = false;
  return true;
}

}  // namespace rotv::history
