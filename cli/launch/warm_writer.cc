#include "cli/launch/warm_writer.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

#include "cli/launch/cluster_take.h"
#include "cli/launch/warm_file.h"
#include "os/boot_id.h"
#include "os/clock.h"
#include "storage/atomic_file.h"
#include "storage/file_checksum.h"

namespace rotv::launch {
namespace {

namespace fs = std::filesystem;

constexpr size_t kBlockBytes = 512;  // Of a tar.
constexpr size_t kBufferBytes = size_t{1} << 20;

// A pipe whose writer may be silent for long, and may be gone.
class Pipe {
 public:
  Pipe(int fd, const Interrupt& interrupt) : fd_(fd), interrupt_(interrupt), buffer_(kBufferBytes) {}

  // Gives up to `most` bytes; nothing at the end.
  std::string_view Read(size_t most) {
    while (begin_ == end_) {
      interrupt_.Check();
      pollfd waiting{.fd = fd_, .events = POLLIN, .revents = 0};
      if (poll(&waiting, 1, Interrupt::kPollMs) == 0) continue;
      const ssize_t got = read(fd_, buffer_.data(), buffer_.size());
      if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
      if (got <= 0) return {};
      begin_ = 0;
      end_ = static_cast<size_t>(got);
    }
    const size_t size = std::min(most, end_ - begin_);
    const std::string_view piece(buffer_.data() + begin_, size);
    begin_ += size;
    return piece;
  }

  // Fills the whole block; false if the pipe ends before.
  bool ReadBlock(std::array<char, kBlockBytes>* block) {
    for (size_t filled = 0; filled < kBlockBytes;) {
      const std::string_view piece = Read(kBlockBytes - filled);
      if (piece.empty()) return false;
      std::memcpy(block->data() + filled, piece.data(), piece.size());
      filled += piece.size();
    }
    return true;
  }

 private:
  const int fd_;
  const Interrupt& interrupt_;
  std::vector<char> buffer_;
  size_t begin_ = 0;
  size_t end_ = 0;
};

// A member of an archive: POSIX.1-1988 "ustar", whose fields are text at fixed places.
struct Member {
  std::string name;  // Without "./".
  char type = 0;
  uint64_t bytes = 0;
};

std::string TextAt(const std::array<char, kBlockBytes>& block, size_t offset, size_t size) {
  const char* begin = block.data() + offset;
  return {begin, strnlen(begin, size)};
}

std::optional<uint64_t> OctalAt(const std::array<char, kBlockBytes>& block, size_t offset, size_t size) {
  uint64_t number = 0;
  for (char c : TextAt(block, offset, size)) {
    if (c == ' ') continue;
    if (c < '0' || c > '7') return std::nullopt;
    number = number * 8 + static_cast<uint64_t>(c - '0');
  }
  return number;
}

// Nothing if the block is not a header.
std::optional<Member> MemberOf(const std::array<char, kBlockBytes>& block) {
  constexpr size_t kSum = 148, kSumSize = 8;
  if (TextAt(block, 257, 5) != "ustar") return std::nullopt;
  uint64_t sum = 0;
  for (size_t i = 0; i < kBlockBytes; ++i) {
    sum += i >= kSum && i < kSum + kSumSize ? ' ' : static_cast<unsigned char>(block[i]);
  }
  const std::optional<uint64_t> bytes = OctalAt(block, 124, 12);
  if (!bytes || OctalAt(block, kSum, kSumSize) != sum) return std::nullopt;
  std::string name = TextAt(block, 0, 100);
  if (const std::string prefix = TextAt(block, 345, 155); !prefix.empty()) name = prefix + "/" + name;
  while (name.starts_with("./")) name.erase(0, 2);
  while (name.ends_with('/')) name.pop_back();
  return Member{.name = name == "." ? "" : name, .type = block[156], .bytes = *bytes};
}

bool IsBelow(const std::string& name) {
  const fs::path path(name);
  return !name.empty() && path.is_relative() &&
         std::none_of(path.begin(), path.end(), [](const fs::path& part) { return part == ".."; });
}

// Writes what it is given below a directory, in which there is nothing but what it has made.
class Unpacking {
 public:
  Unpacking(fs::path directory, Pipe* pipe, std::atomic<uint64_t>* received)
      : directory_(std::move(directory)), pipe_(*pipe), received_(*received) {}

  // Begins with a block that was read already. Returns false if the archive is not complete or has something else than
  // files and directories.
  bool Run(std::array<char, kBlockBytes> block, std::vector<WarmFile>* files) {
    do {
      if (IsZero(block)) return HasCompleteLine(&block);
      const std::optional<Member> member = MemberOf(block);
      if (!member) return false;
      const bool is_directory = member->type == '5';
      if (!is_directory && member->type != '0' && member->type != '\0') return false;
      const bool is_top = is_directory && member->name.empty();
      if (!is_top && !IsBelow(member->name)) return false;
      if (is_top) {
        // It is there.
      } else if (is_directory) {
        MakeDirectory(member->name);
        files->push_back({.name = member->name, .is_directory = true});
      } else if (!WriteFile(*member, files)) {
        return false;
      }
    } while (pipe_.ReadBlock(&block));
    return false;
  }

 private:
  static bool IsZero(const std::array<char, kBlockBytes>& block) {
    return std::all_of(block.begin(), block.end(), [](char c) { return c == '\0'; });
  }

  // An archive that tar could not complete ends like any other. The line comes only if tar has met no problem.
  bool HasCompleteLine(std::array<char, kBlockBytes>* block) {
    while (IsZero(*block)) {
      if (!pipe_.ReadBlock(block)) return false;
    }
    return TextAt(*block, 0, kBlockBytes).starts_with("rotv: complete");
  }

  void MakeDirectory(const std::string& name) {
    const fs::path path = directory_ / name;
    if (!MakeWarmDirectory(path)) ThrowDiskError("create", path, errno);
  }

  bool WriteFile(const Member& member, std::vector<WarmFile>* files) {
    const fs::path path = directory_ / member.name;
    const FileDescriptor file = MakeWarmFile(path);
    if (!file) ThrowDiskError("create", path, errno);
    FileChecksum checksum;
    for (uint64_t left = member.bytes; left > 0;) {
      const std::string_view piece = pipe_.Read(std::min<uint64_t>(left, kBufferBytes));
      if (piece.empty()) return false;
      checksum.Add(piece);
      Write(file.get(), piece, path);
      left -= piece.size();
      received_ += piece.size();
    }
    if (!Skip((kBlockBytes - member.bytes % kBlockBytes) % kBlockBytes)) return false;
    struct stat status {};
    if (fstat(file.get(), &status) != 0) ThrowDiskError("read", path, errno);
    files->push_back({.name = member.name,
                      .bytes = member.bytes,
                      .modified_ns = status.st_mtim.tv_sec * int64_t{1'000'000'000} + status.st_mtim.tv_nsec,
                      .sum = ChecksumText(checksum.value())});
    return true;
  }

  static void Write(int file, std::string_view bytes, const fs::path& path) {
    while (!bytes.empty()) {
      const ssize_t written = write(file, bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) ThrowDiskError("write", path, errno);
      bytes.remove_prefix(static_cast<size_t>(written));
    }
  }

  bool Skip(uint64_t bytes) {
    while (bytes > 0) {
      const std::string_view piece = pipe_.Read(bytes);
      if (piece.empty()) return false;
      bytes -= piece.size();
    }
    return true;
  }

  const fs::path directory_;
  Pipe& pipe_;
  std::atomic<uint64_t>& received_;
};

}  // namespace

WarmWriter::WarmWriter(fs::path directory, FileDescriptor lock)
    : directory_(std::move(directory)), lock_(std::move(lock)) {}

WarmWriter::~WarmWriter() {
  if (is_published_) return;
  std::error_code ignored;  // What stays is removed as a leftover.
  fs::remove_all(directory_, ignored);
}

bool WarmWriter::Receive(int pipe, const Interrupt& interrupt, const FindCluster& find_cluster,
                         const std::function<void()>& say_taken) {
  const fs::path cluster = directory_ / "cluster";
  if (!MakeWarmDirectory(cluster)) return false;
  Pipe from(pipe, interrupt);
  std::array<char, kBlockBytes> block{};
  if (!from.ReadBlock(&block)) return false;
  try {
    if (!TextAt(block, 0, kBlockBytes).starts_with("rotv: files")) {
      return Unpacking(cluster, &from, &received_).Run(block, &manifest_.files);
    }
    const std::optional<fs::path> there = find_cluster ? find_cluster() : std::nullopt;
    if (!there || !TakeCluster({.from = *there, .to = cluster}, &manifest_.files, &record_, &received_, interrupt)) {
      return false;
    }
    // The sender has held the server until now, and says so before it lets it go on. If it was ended, it does not: the
    // files may then be of different moments.
    say_taken();
    return from.ReadBlock(&block) && TextAt(block, 0, kBlockBytes).starts_with("rotv: complete");
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kInterrupted) throw;
    return false;
  }
}

void DrainPipe(int pipe, const Interrupt& stop) try {
  Pipe from(pipe, stop);
  while (!from.Read(kBufferBytes).empty()) {
  }
} catch (const Error&) {
  // It was stopped.
}

void WarmWriter::Publish(const WarmPurpose& purpose, const WarmState& state, const std::string& server) {
  std::sort(manifest_.files.begin(), manifest_.files.end(),
            [](const WarmFile& a, const WarmFile& b) { return a.name < b.name; });
  manifest_.bytes = 0;
  for (const WarmFile& file : manifest_.files) manifest_.bytes += file.bytes;
  manifest_.purpose = PurposeKey(purpose);
  manifest_.empty_purpose = EmptyPurposeKey(purpose);
  // Subsets are a group of their own: they must not push out clusters of all rows, which are carried, and made slowly.
  manifest_.group = fmt::format("{} {}{}", purpose.source, purpose.database, purpose.subset.empty() ? "" : " subset");
  manifest_.source = state.kind == WarmKind::kEmpty ? "" : purpose.source;
  manifest_.state = state;
  manifest_.server = server;
  manifest_.made_time_us = os::NowMicroseconds();
  manifest_.boot = os::BootId();
  WriteWarmManifest(directory_, manifest_);
  is_published_ = true;
  lock_ = FileDescriptor();
}

}  // namespace rotv::launch
