#include "storage/output_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <cerrno>
#include <cstring>
#include <thread>
#include <vector>

#include "storage/atomic_file.h"
#include "storage/error.h"
#include "storage/file_checksum.h"
#include "storage/handle.h"
#include "storage/write_all.h"

namespace rotv {
namespace {

constexpr size_t kBufferBytes = size_t{256} << 10;
constexpr int kZstdLevel = 3;

class FileOutput : public SeedOutput {
 public:
  explicit FileOutput(const std::filesystem::path& path) : file_(path) {}
  void Write(std::string_view bytes) override {
    checksum_.Add(bytes);
    file_.Write(bytes);
  }
  void Commit() override { file_.Commit(); }
  uint64_t checksum() const override { return checksum_.value(); }

 private:
  FileChecksum checksum_;
  AtomicFile file_;
};

bool IsOursOrRoots(uid_t owner) { return owner == geteuid() || owner == 0; }

[[noreturn]] void ThrowForeign(const std::filesystem::path& path, const char* what) {
  throw Error(ErrorCode::kDisk, fmt::format("cannot write {}: it is {} of another user", path.string(), what),
              "remove it, or choose another place");
}

// Follows the rule of Linux's fs.protected_symlinks: in a sticky directory that anyone may write to, such as /tmp, only
// links of this user or of the directory's owner are followed.
void RequireTrustedLink(const std::filesystem::path& link) {
  struct stat of_link {};
  struct stat of_directory {};
  const std::filesystem::path directory = link.has_parent_path() ? link.parent_path() : ".";
  if (lstat(link.c_str(), &of_link) != 0 || stat(directory.c_str(), &of_directory) != 0) return;
  const bool shared = (of_directory.st_mode & S_IWOTH) != 0;
  if (!shared || of_link.st_uid == geteuid() || of_link.st_uid == of_directory.st_uid) return;
  ThrowForeign(link, "a link");
}

// A device or a named pipe, which is written to directly: it must not be replaced by a file.
class StreamOutput : public SeedOutput {
 public:
  explicit StreamOutput(const std::filesystem::path& path)
      : path_(path), fd_(open(path.c_str(), O_WRONLY | O_CLOEXEC)) {
    struct stat status {};
    if (!fd_ || fstat(fd_.get(), &status) != 0) ThrowDiskError("write", path, errno);
    // Another user who reads from a pipe of their own would get the rows.
    if (!IsOursOrRoots(status.st_uid)) ThrowForeign(path, "a pipe or device");
  }
  void Write(std::string_view bytes) override {
    if (const int problem = WriteAll(fd_.get(), bytes); problem != 0) ThrowDiskError("write", path_, problem);
  }
  void Commit() override {}

 private:
  std::filesystem::path path_;
  FileDescriptor fd_;
};

// Resolves symbolic links: the file that a link names is replaced or created, not the link itself.
std::filesystem::path ResolveSymlinks(std::filesystem::path path) {
  constexpr int kMostLinks = 40;  // The kernel's own limit.
  std::error_code error;
  for (int links = 0; links < kMostLinks && std::filesystem::is_symlink(path, error); ++links) {
    RequireTrustedLink(path);
    std::filesystem::path target = std::filesystem::read_symlink(path, error);
    if (error) break;
    path = path.parent_path() / target;  // An absolute target replaces the whole path.
  }
  return path;
}

std::unique_ptr<SeedOutput> OpenAt(const std::filesystem::path& path) {
  std::error_code error;
  std::filesystem::file_status status = std::filesystem::status(path, error);
  const std::filesystem::path target = ResolveSymlinks(path);
  bool is_stream = std::filesystem::exists(status) && !std::filesystem::is_regular_file(status) &&
                   !std::filesystem::is_directory(status);
  if (is_stream) return std::make_unique<StreamOutput>(path);
  return std::make_unique<FileOutput>(target);
}

class StandardOutput : public SeedOutput {
 public:
  void Write(std::string_view bytes) override {
    const int problem = WriteAll(STDOUT_FILENO, bytes);
    if (problem == 0) return;
    throw Error(ErrorCode::kDisk, fmt::format("cannot write to standard output: {}", std::strerror(problem)),
                "check where the output goes");
  }
  void Commit() override {}
};

class ZstdOutput : public SeedOutput {
 public:
  explicit ZstdOutput(std::unique_ptr<SeedOutput> inner) : inner_(std::move(inner)), context_(ZSTD_createCCtx()) {
    ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_compressionLevel, kZstdLevel);
    ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_checksumFlag, 1);
    // A zstd that was built without threads ignores this.
    ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_nbWorkers, static_cast<int>(std::thread::hardware_concurrency()));
  }
  void Write(std::string_view bytes) override { Compress(bytes, ZSTD_e_continue); }
  void Commit() override {
    Compress({}, ZSTD_e_end);
    inner_->Commit();
  }
  uint64_t checksum() const override { return inner_->checksum(); }

 private:
  struct Free {
    void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
  };
  void Compress(std::string_view bytes, ZSTD_EndDirective directive) {
    ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
    for (size_t left = 1; in.pos < in.size || (directive == ZSTD_e_end && left != 0);) {
      ZSTD_outBuffer out{buffer_.data(), buffer_.size(), 0};
      left = ZSTD_compressStream2(context_.get(), &out, &in, directive);
      if (ZSTD_isError(left)) throw Error(ErrorCode::kBug, std::string("zstd: ") + ZSTD_getErrorName(left));
      inner_->Write({buffer_.data(), out.pos});
    }
  }

  std::unique_ptr<SeedOutput> inner_;
  std::unique_ptr<ZSTD_CCtx, Free> context_;
  std::vector<char> buffer_ = std::vector<char>(kBufferBytes);
};

class GzipOutput : public SeedOutput {
 public:
  explicit GzipOutput(std::unique_ptr<SeedOutput> inner) : inner_(std::move(inner)) {
    constexpr int kGzipWindow = 15 + 16;
    if (deflateInit2(&stream_, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kGzipWindow, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
      throw std::bad_alloc();
    }
  }
  ~GzipOutput() override { deflateEnd(&stream_); }
  void Write(std::string_view bytes) override { Deflate(bytes, Z_NO_FLUSH); }
  void Commit() override {
    Deflate({}, Z_FINISH);
    inner_->Commit();
  }
  uint64_t checksum() const override { return inner_->checksum(); }

 private:
  void Deflate(std::string_view bytes, int flush) {
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream_.avail_in = static_cast<uInt>(bytes.size());
    do {
      stream_.next_out = reinterpret_cast<Bytef*>(buffer_.data());
      stream_.avail_out = static_cast<uInt>(buffer_.size());
      deflate(&stream_, flush);
      inner_->Write({buffer_.data(), buffer_.size() - stream_.avail_out});
    } while (stream_.avail_out == 0);
  }

  std::unique_ptr<SeedOutput> inner_;
  z_stream stream_{};
  std::vector<char> buffer_ = std::vector<char>(kBufferBytes);
};

}  // namespace

std::unique_ptr<SeedOutput> CompressInto(std::unique_ptr<SeedOutput> output, Compression compression) {
  if (compression == Compression::kZstd) return std::make_unique<ZstdOutput>(std::move(output));
  if (compression == Compression::kGzip) return std::make_unique<GzipOutput>(std::move(output));
  return output;
}

std::unique_ptr<SeedOutput> OpenSeedOutput(const std::filesystem::path& path, Compression compression) {
  std::unique_ptr<SeedOutput> output;
  if (path == "-") {
    output = std::make_unique<StandardOutput>();
  } else {
    output = OpenAt(path);
  }
  return CompressInto(std::move(output), compression);
}

}  // namespace rotv
