#include "storage/store_seal.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <string>
#include <string_view>

#include "storage/atomic_file.h"
#include "storage/corrupt.h"
#include "storage/row_key.h"
#include "storage/store_state.h"

// RocksDB cannot tell that the end of its MANIFEST, or of its log, is missing: it takes what is left for all there was,
// and opens an older version of itself without a word. Two checks close that hole, both by names and sizes alone.
//
// Each published state names the MANIFEST and the logs that RocksDB had, with the sizes that they had at least. It
// stands in RocksDB itself, so it finds files that do not belong together: a copy that was made while a pull ran, of
// which one file is older than the others. It cannot find that its own log lost its end, since then it is lost too.
// Hence the seal: it says outside of RocksDB how many states there were.
//
// Invariant: a log that a state names exists until the next state is sealed (RowStore disables RocksDB's removal of
// files in between), unless RocksDB wrote its content to tables right after it was named; then its MANIFEST has grown,
// and says which logs it still needs. So one that is missing is missing for no good reason. The seal is written after
// the state: a kill in between leaves a seal that is one behind, which is in order; one that is ahead never is. Before
// the first state with a number there is a seal with the number 0, so that a seal is never missing.
//
// A MANIFEST with a higher number than named was begun by a process that opened the store and was killed before it
// published. RocksDB writes such a file whole before CURRENT names it, and may have removed the logs by then.
//
// Refused: checksums of all files at each opening (the cost follows the store), and a list of all tables (RocksDB
// compares its own, which the MANIFEST has, with the directory).

namespace rotv {
namespace {

constexpr std::string_view kMagic = "rotvseal";
// Two slots, written in turn: power loss while one is written leaves the other. Each has a sector of its own.
constexpr size_t kSlotBytes = 512;
constexpr size_t kSlots = 2;
constexpr size_t kFieldBytes = 8;
constexpr size_t kSumAt = 5 * kFieldBytes;  // Magic, then the fields of Seal in their order.

std::optional<uint64_t> NumberIn(std::string_view digits) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return number;
}

// Gives nullopt if there is no such file. Throws kDisk if that cannot be told: a disk that fails is no missing file.
std::optional<uint64_t> SizeOf(const std::filesystem::path& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) == 0) return status.st_size;
  if (errno == ENOENT) return std::nullopt;
  ThrowDiskError("read", path, errno);
}

std::string ManifestName(uint64_t number) { return fmt::format("MANIFEST-{:06}", number); }

std::string SlotText(const Seal& seal) {
  std::string text(kMagic);
  AppendBigEndian64(seal.state_number, &text);
  AppendBigEndian64(seal.manifest_number, &text);
  AppendBigEndian64(seal.manifest_bytes, &text);
  AppendBigEndian64(seal.oldest_log, &text);
  AppendBigEndian64(XXH3_64bits(text.data(), text.size()), &text);
  return text;
}

std::optional<Seal> SealIn(std::string_view slot) {
  if (slot.size() < kSumAt + kFieldBytes || !slot.starts_with(kMagic)) return std::nullopt;
  if (ReadBigEndian64(slot.data() + kSumAt) != XXH3_64bits(slot.data(), kSumAt)) return std::nullopt;
  return Seal{.state_number = ReadBigEndian64(slot.data() + kFieldBytes),
              .manifest_number = ReadBigEndian64(slot.data() + 2 * kFieldBytes),
              .manifest_bytes = ReadBigEndian64(slot.data() + 3 * kFieldBytes),
              .oldest_log = ReadBigEndian64(slot.data() + 4 * kFieldBytes)};
}

}  // namespace

proto::StoredFiles ReadStoredFiles(const std::filesystem::path& directory) {
  constexpr std::string_view kManifestPrefix = "MANIFEST-";
  constexpr std::string_view kLogSuffix = ".log";
  proto::StoredFiles files;
  if (!SizeOf(directory / "CURRENT")) ThrowDamaged(directory, "it has no file CURRENT");
  const std::string current = ReadFile(directory / "CURRENT");
  std::optional<uint64_t> number;
  if (current.starts_with(kManifestPrefix) && current.ends_with('\n')) {
    number =
        NumberIn(std::string_view(current).substr(kManifestPrefix.size(), current.size() - kManifestPrefix.size() - 1));
  }
  if (!number) ThrowDamaged(directory, "its file CURRENT names no MANIFEST");
  files.set_manifest_number(*number);
  const std::optional<uint64_t> bytes = SizeOf(directory / ManifestName(*number));
  if (!bytes) ThrowDamaged(directory, fmt::format("its file {} is missing", ManifestName(*number)));
  files.set_manifest_bytes(*bytes);
  std::error_code error;
  const std::filesystem::directory_iterator entries(directory, error);
  if (error) ThrowDiskError("read", directory, error.value());
  for (const auto& entry : entries) {
    const std::string name = entry.path().filename();
    if (!name.ends_with(kLogSuffix)) continue;
    const std::optional<uint64_t> log = NumberIn(std::string_view(name).substr(0, name.size() - kLogSuffix.size()));
    if (!log) continue;
    if (const std::optional<uint64_t> size = SizeOf(entry.path())) (*files.mutable_log_bytes())[*log] = *size;
  }
  return files;
}

void CheckStoredFiles(const std::filesystem::path& directory, const proto::StoredFiles& named,
                      const proto::StoredFiles& found, uint64_t oldest_log) {
  if (found.manifest_number() > named.manifest_number()) return;
  if (found.manifest_number() < named.manifest_number()) {
    ThrowDamaged(directory, fmt::format("its file CURRENT names {}, but {} was in use when the store was last written",
                                        ManifestName(found.manifest_number()), ManifestName(named.manifest_number())));
  }
  if (found.manifest_bytes() < named.manifest_bytes()) {
    ThrowDamaged(directory, fmt::format("its file {} has {} bytes, and had {}", ManifestName(named.manifest_number()),
                                        found.manifest_bytes(), named.manifest_bytes()));
  }
  for (const auto& [log, bytes] : named.log_bytes()) {
    if (log < oldest_log) continue;
    const auto at = found.log_bytes().find(log);
    if (at == found.log_bytes().end()) ThrowDamaged(directory, fmt::format("its file {:06}.log is missing", log));
    if (at->second < bytes) {
      ThrowDamaged(directory, fmt::format("its file {:06}.log has {} bytes, and had {}", log, at->second, bytes));
    }
  }
}

std::optional<Seal> ReadSeal(const std::filesystem::path& directory) {
  const std::filesystem::path path = directory / kSealName;
  struct stat status {};
  if (stat(path.c_str(), &status) != 0 && errno == ENOENT) return std::nullopt;
  const std::string bytes = ReadFile(path);
  std::optional<Seal> newest;
  for (size_t slot = 0; slot < kSlots && slot * kSlotBytes < bytes.size(); ++slot) {
    const std::optional<Seal> seal = SealIn(std::string_view(bytes).substr(slot * kSlotBytes, kSlotBytes));
    if (seal && (!newest || seal->state_number > newest->state_number)) newest = seal;
  }
  if (!newest) ThrowDamaged(directory, "its file seal holds nothing valid");
  return newest;
}

FoundFiles::FoundFiles(std::filesystem::path directory)
    : directory_(std::move(directory)), files_(ReadStoredFiles(directory_)), seal_(ReadSeal(directory_)) {
  if (!seal_) return;
  proto::StoredFiles sealed;
  sealed.set_manifest_number(seal_->manifest_number);
  sealed.set_manifest_bytes(seal_->manifest_bytes);
  CheckStoredFiles(directory_, sealed, files_, 0);
}

// The logs are removed in the order of their numbers: with the oldest one, all are there.
bool FoundFiles::as_sealed() const {
  return seal_ && seal_->manifest_number == files_.manifest_number() &&
         seal_->manifest_bytes == files_.manifest_bytes() &&
         (seal_->oldest_log == 0 || files_.log_bytes().count(seal_->oldest_log) > 0);
}

void FoundFiles::Check(const proto::Manifest& manifest, uint64_t oldest_log) const {
  const bool numbered = manifest.format_version() > kOldestFormatVersion;
  if (numbered && !seal_) ThrowDamaged(directory_, "its file seal is missing");
  if (seal_ && manifest.state_number() < seal_->state_number) {
    ThrowDamaged(directory_, fmt::format("its last state is number {}, but number {} was published",
                                         manifest.state_number(), seal_->state_number));
  }
  if (numbered) CheckStoredFiles(directory_, manifest.files(), files_, oldest_log);
}

void SealFile::Write(uint64_t state_number, const proto::StoredFiles& files) {
  Seal seal{.state_number = state_number,
            .manifest_number = files.manifest_number(),
            .manifest_bytes = files.manifest_bytes()};
  for (const auto& [log, bytes] : files.log_bytes()) {
    seal.oldest_log = seal.oldest_log == 0 ? log : std::min(seal.oldest_log, log);
  }
  const std::filesystem::path path = directory_ / kSealName;
  const std::string slot = SlotText(seal);
  const size_t offset = seal.state_number % kSlots * kSlotBytes;
  if (!fd_) {
    fd_ = FileDescriptor(open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOFOLLOW));
    if (!fd_ && errno == ENOENT) {
      WriteFileAtomically(path, std::string(offset, '\0') + slot);
      return;
    }
    if (!fd_) ThrowDiskError("write", path, errno);
  }
  const ssize_t written = pwrite(fd_.get(), slot.data(), slot.size(), static_cast<off_t>(offset));
  if (written != static_cast<ssize_t>(slot.size())) ThrowDiskError("write", path, written < 0 ? errno : ENOSPC);
  if (fdatasync(fd_.get()) != 0) ThrowDiskError("write", path, errno);
}

}  // namespace rotv
