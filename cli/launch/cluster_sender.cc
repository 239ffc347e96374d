#include "cli/launch/cluster_sender.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <vector>

#include "cli/launch/checked_copy.h"
#include "cli/launch/warm_manifest.h"
#include "storage/file_checksum.h"
#include "storage/handle.h"
#include "storage/write_all.h"

namespace rotv::launch {
namespace {

namespace fs = std::filesystem;

constexpr size_t kTarBlockBytes = 512;
constexpr const char* kLastSent = "global/pg_control";

using TarBlock = std::array<char, kTarBlockBytes>;

// Text at a fixed place, ended by zeros; it fits.
void PutText(std::string_view text, size_t offset, TarBlock* block) { text.copy(block->data() + offset, text.size()); }

TarBlock TarHeaderOf(const WarmFile& file) {
  constexpr size_t kModeAt = 100, kUserAt = 108, kGroupAt = 116, kBytesAt = 124, kTimeAt = 136, kSumAt = 148,
                   kTypeAt = 156;
  constexpr size_t kMagicAt = 257, kVersionAt = 263, kSumBytes = 8;
  TarBlock block{};
  PutText(file.name, 0, &block);
  PutText(file.is_directory ? "0000700" : "0000600", kModeAt, &block);
  PutText("0000000", kUserAt, &block);
  PutText("0000000", kGroupAt, &block);
  PutText(fmt::format("{:011o}", file.is_directory ? 0 : file.bytes), kBytesAt, &block);
  PutText(fmt::format("{:011o}", std::max<int64_t>(0, file.modified_ns / 1'000'000'000)), kTimeAt, &block);
  PutText(std::string(kSumBytes, ' '), kSumAt, &block);
  PutText(file.is_directory ? "5" : "0", kTypeAt, &block);
  PutText("ustar", kMagicAt, &block);
  PutText("00", kVersionAt, &block);
  unsigned sum = 0;
  for (const char byte : block) sum += static_cast<unsigned char>(byte);
  PutText(fmt::format("{:06o}", sum), kSumAt, &block);
  block[kSumAt + kSumBytes - 2] = '\0';
  return block;
}

SentCluster SendFile(const fs::path& path, const WarmFile& file, int to, std::vector<char>* buffer,
                     const Interrupt& interrupt) {
  const FileDescriptor from(open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!from) return {.damage = fmt::format("{} cannot be read: {}", file.name, std::strerror(errno))};
  const CopiedBytes copied = CopyBytes(from.get(), to, buffer, interrupt);
  if (copied.write_problem != 0) return {.write_problem = copied.write_problem};
  if (copied.read_problem != 0) {
    return {.damage = fmt::format("{} cannot be read: {}", file.name, std::strerror(copied.read_problem))};
  }
  if (copied.bytes != file.bytes || ChecksumText(copied.sum) != file.sum) {
    return {.damage = fmt::format("{} is not what was written", file.name)};
  }
  return {.write_problem =
              WriteAll(to, std::string((kTarBlockBytes - file.bytes % kTarBlockBytes) % kTarBlockBytes, '\0'))};
}

}  // namespace

SentCluster SendCluster(const WarmLease& lease, int to, const Interrupt& interrupt) {
  constexpr size_t kMostName = 100;
  std::vector<WarmFile> files = lease.files();
  std::stable_partition(files.begin(), files.end(), [](const WarmFile& file) { return file.name != kLastSent; });
  std::vector<char> buffer(kCopyBufferBytes);
  for (const WarmFile& file : files) {
    if (file.name.size() > kMostName) return {.damage = fmt::format("{} has too long a name", file.name)};
    const TarBlock header = TarHeaderOf(file);
    const int problem = WriteAll(to, {header.data(), header.size()});
    if (problem != 0) return {.write_problem = problem};
    if (file.is_directory) continue;
    SentCluster sent = SendFile(lease.cluster().directory / file.name, file, to, &buffer, interrupt);
    if (!sent.damage.empty() || sent.write_problem != 0) return sent;
  }
  return {.write_problem = WriteAll(to, std::string(2 * kTarBlockBytes, '\0'))};
}

}  // namespace rotv::launch
