#include "sync/history/snapshot_signature.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "os/base64.h"
#include "storage/error.h"

namespace rotv::history {
namespace {

namespace fs = std::filesystem;

// The start of a skippable frame: its magic number and the size of what follows, both little-endian.
constexpr std::string_view kFrameStart("\x57\x2A\x4D\x18\x68\x00\x00\x00rotvsig1", 16);
constexpr size_t kFrameSize = kFrameStart.size() + std::tuple_size_v<PublicKey> + kSignatureBytes;
static_assert(kFrameSize == 8 + 0x68);
// The subject is hashed as well, so that the signature cannot be used for anything else.
constexpr std::string_view kSubject = "rotv snapshot file 1\n";
constexpr const char* kSignedFileHint =
    "ask the person who exported it for a signed file and the public key: snapshot export --sign";

void StartSodium() {
  if (sodium_init() < 0) throw Error(ErrorCode::kBug, "libsodium cannot be used here");
}

std::string_view View(const unsigned char* bytes, size_t size) { return {reinterpret_cast<const char*>(bytes), size}; }
const unsigned char* Bytes(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

std::string Subject(const SnapshotHash::Value& hash) {
  return std::string(kSubject) + std::string(View(hash.data(), hash.size()));
}

class SigningOutput : public SeedOutput {
 public:
  SigningOutput(std::unique_ptr<SeedOutput> output, const SigningKey& key) : output_(std::move(output)), key_(key) {}
  void Write(std::string_view bytes) override {
    hash_.Add(bytes);
    output_->Write(bytes);
  }
  void Commit() override {
    const std::string subject = Subject(hash_.Finish());
    output_->Write(kFrameStart);
    output_->Write(View(key_.public_key.data(), key_.public_key.size()));
    output_->Write(Sign(key_, subject));
    output_->Commit();
  }

 private:
  std::unique_ptr<SeedOutput> output_;
  SigningKey key_;
  SnapshotHash hash_;
};

// Reads exactly `size` bytes and passes them to `take` in pieces.
template <typename Take>
void ReadPieces(int file, const fs::path& path, uint64_t size, Take take) {
  std::vector<char> buffer(size_t{256} << 10);
  while (size > 0) {
    const ssize_t got = read(file, buffer.data(), static_cast<size_t>(std::min<uint64_t>(size, buffer.size())));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) ThrowDiskError("read", path, errno);
    if (got == 0) throw Error(ErrorCode::kCorrupt, fmt::format("{} became shorter while it was read", path.native()));
    take(std::string_view(buffer.data(), static_cast<size_t>(got)));
    size -= static_cast<uint64_t>(got);
  }
}

}  // namespace

struct SnapshotHash::State {
  crypto_generichash_state state;
};

SnapshotHash::SnapshotHash() : state_(std::make_unique<State>()) {
  StartSodium();
  crypto_generichash_init(&state_->state, nullptr, 0, std::tuple_size_v<Value>);
}
SnapshotHash::~SnapshotHash() = default;

void SnapshotHash::Add(std::string_view bytes) {
  crypto_generichash_update(&state_->state, Bytes(bytes), bytes.size());
}

SnapshotHash::Value SnapshotHash::Finish() {
  Value value;
  crypto_generichash_final(&state_->state, value.data(), value.size());
  return value;
}

std::unique_ptr<SeedOutput> SignOutput(std::unique_ptr<SeedOutput> output, const SigningKey& key) {
  return std::make_unique<SigningOutput>(std::move(output), key);
}

SignedPart VerifySignature(int file, const fs::path& path, const PublicKey& key) {
  struct stat status;
  if (fstat(file, &status) != 0) ThrowDiskError("read", path, errno);
  if (!S_ISREG(status.st_mode)) {
    throw Error(ErrorCode::kUsage,
                fmt::format("{} is not a regular file, and its signature is at its end", path.native()),
                "save it to a file first");
  }
  const auto size = static_cast<uint64_t>(status.st_size);
  SignedPart part{.size = size - std::min<uint64_t>(size, kFrameSize)};
  SnapshotHash hash;
  ReadPieces(file, path, part.size, [&](std::string_view piece) { hash.Add(piece); });
  std::string frame;
  ReadPieces(file, path, size - part.size, [&](std::string_view piece) { frame += piece; });
  if (lseek(file, 0, SEEK_SET) != 0) ThrowDiskError("read", path, errno);
  if (frame.size() != kFrameSize || !frame.starts_with(kFrameStart)) {
    throw Error(ErrorCode::kCorrupt, fmt::format("{} is not signed", path.native()), kSignedFileHint);
  }
  part.hash = hash.Finish();
  const std::string_view signer = std::string_view(frame).substr(kFrameStart.size(), key.size());
  const std::string_view signature = std::string_view(frame).substr(kFrameStart.size() + key.size());
  if (signer != View(key.data(), key.size())) {
    throw Error(ErrorCode::kCorrupt, fmt::format("{} is signed by another key, {}", path.native(), os::Base64(signer)),
                kSignedFileHint);
  }
  if (!IsSignedBy(key, Subject(part.hash), signature)) {
    throw Error(ErrorCode::kCorrupt, fmt::format("{} was changed after it was signed", path.native()), kSignedFileHint);
  }
  return part;
}

}  // namespace rotv::history
