#include "storage/spilled_runs.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "storage/atomic_file.h"
#include "storage/corrupt.h"
#include "storage/error.h"
#include "storage/free_space.h"
#include "storage/row_key.h"
#include "storage/row_version.h"
#include "storage/unnamed_file.h"

// A run is cut into chunks, so that a merge holds one chunk of each. What is merged at once is bounded: of more runs
// the oldest are merged into one first, which goes to the end of the file, and the space that they had is given back.
//
// Nothing is compressed: zstd's fastest levels would make a table of uuids and hashes smaller by a third at most, for a
// third of the time that the store's own compression takes.
//
// Entries of a chunk follow one another: size of the key, size of the value (4 bytes each), key, value. A large value
// is kept apart, and its place stands in the chunk: else a merge would hold one large value of each run.

namespace rotv {
namespace {

constexpr size_t kChunkBytes = size_t{32} << 10;
constexpr size_t kMostAtOnce = 256;
constexpr size_t kLargeValueBytes = size_t{16} << 10;
constexpr uint32_t kIsApart = uint32_t{1} << 31;  // In the size of a value; PostgreSQL has no row of 2 GB.

}  // namespace

void SpilledRuns::ThrowBroken() const {
  throw Error(ErrorCode::kDisk, fmt::format("rows that were just written in {} are damaged", directory_.string()),
              "check the disk");
}

SpilledRuns::Chunk SpilledRuns::Append(std::string_view bytes) {
  for (size_t done = 0; done < bytes.size();) {
    const ssize_t written =
        pwrite(file_.get(), bytes.data() + done, bytes.size() - done, static_cast<off_t>(size_ + done));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) ThrowDiskError("write rows in", directory_, errno);
    done += static_cast<size_t>(written);
  }
  const Chunk chunk{.at = size_, .bytes = bytes.size(), .checksum = XXH3_64bits(bytes.data(), bytes.size())};
  size_ += bytes.size();
  return chunk;
}

void SpilledRuns::Read(const Chunk& chunk, std::string* bytes) const {
  bytes->resize(chunk.bytes);
  for (size_t done = 0; done < bytes->size();) {
    const ssize_t got =
        pread(file_.get(), bytes->data() + done, bytes->size() - done, static_cast<off_t>(chunk.at + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) ThrowDiskError("read rows in", directory_, errno);
    if (got == 0) ThrowBroken();
    done += static_cast<size_t>(got);
  }
  if (XXH3_64bits(bytes->data(), bytes->size()) != chunk.checksum) ThrowBroken();
}

// Writes one run to the end of the file.
class SpilledRuns::Writer {
 public:
  explicit Writer(SpilledRuns& runs) : runs_(runs), run_{.begin = runs.size_} { raw_.reserve(2 * kChunkBytes); }

  void Put(std::string_view key, std::string_view value) {
    if (value.size() < kLargeValueBytes) return Put(key, static_cast<uint32_t>(value.size()), value);
    const Chunk apart = runs_.Append(value);
    Put(key, kIsApart | uint32_t{sizeof apart}, {reinterpret_cast<const char*>(&apart), sizeof apart});
  }

  Run Finish() {
    if (!raw_.empty()) WriteChunk();
    return std::move(run_);
  }

 private:
  void Put(std::string_view key, uint32_t value_size, std::string_view value) {
    const uint32_t sizes[] = {static_cast<uint32_t>(key.size()), value_size};
    raw_.append(reinterpret_cast<const char*>(sizes), sizeof sizes).append(key).append(value);
    if (raw_.size() >= kChunkBytes) WriteChunk();
  }

  void WriteChunk() {
    run_.chunks.push_back(runs_.Append(raw_));
    raw_.clear();
  }

  SpilledRuns& runs_;
  Run run_;
  std::string raw_;
};

// Reads one run.
class SpilledRuns::Cursor {
 public:
  Cursor(const SpilledRuns& runs, const Run& run) : runs_(runs), run_(run) {}

  // Goes to the next entry; false at the end.
  bool Next() {
    if (rest_.empty()) {
      if (next_ == run_.chunks.size()) return false;
      runs_.Read(run_.chunks[next_++], &raw_);
      rest_ = raw_;
    }
    uint32_t sizes[2];
    if (rest_.size() < sizeof sizes) runs_.ThrowBroken();
    memcpy(sizes, rest_.data(), sizeof sizes);
    rest_.remove_prefix(sizeof sizes);
    is_apart_ = (sizes[1] & kIsApart) != 0;
    sizes[1] &= ~kIsApart;
    const bool too_short = sizes[0] < 2 * sizeof(uint64_t) || (is_apart_ && sizes[1] != sizeof(Chunk));
    if (too_short || rest_.size() < uint64_t{sizes[0]} + sizes[1]) runs_.ThrowBroken();
    key_ = rest_.substr(0, sizes[0]);
    value_ = rest_.substr(sizes[0], sizes[1]);
    rest_.remove_prefix(sizes[0] + sizes[1]);
    table_and_epoch_ = ReadBigEndian64(key_.data());
    head_ = ReadBigEndian64(key_.data() + kTablePrefixSize);
    return true;
  }

  std::string_view key() const { return key_; }
  // `*apart` holds one that is kept apart.
  std::string_view Value(std::string* apart) const {
    if (!is_apart_) return value_;
    Chunk chunk;
    memcpy(&chunk, value_.data(), sizeof chunk);
    runs_.Read(chunk, apart);
    return *apart;
  }
  // Most comparisons are decided by the first bytes of the keys.
  bool IsBefore(const Cursor& other) const {
    if (table_and_epoch_ != other.table_and_epoch_) return table_and_epoch_ < other.table_and_epoch_;
    if (head_ != other.head_) return head_ < other.head_;
    return key_ < other.key_;
  }

 private:
  const SpilledRuns& runs_;
  const Run& run_;
  size_t next_ = 0;  // The chunk to read next.
  std::string raw_;
  std::string_view rest_;  // Of raw_.
  std::string_view key_, value_;
  bool is_apart_ = false;
  uint64_t table_and_epoch_ = 0, head_ = 0;
};

void SpilledRuns::RequireFile() {
  if (file_) return;
  file_ = OpenUnnamedFile(directory_);
  if (!file_) ThrowDiskError("write rows in", directory_, errno);
}

void SpilledRuns::Add(const VersionBuffer::Entry* begin, const VersionBuffer::Entry* end) {
  if (begin == end) return;
  RequireFile();
  uint64_t bytes = 0;
  for (const VersionBuffer::Entry* entry = begin; entry != end; ++entry) bytes += entry->key_size + entry->value_size;
  RequireFreeSpace(directory_, bytes);
  Writer writer(*this);
  for (const VersionBuffer::Entry* entry = begin; entry != end; ++entry) writer.Put(entry->key(), entry->value());
  runs_.push_back(writer.Finish());
}

bool SpilledRuns::HasRoomFor(uint64_t bytes) const { return HasFreeSpace(directory_, size_ + 3 * bytes); }

void SpilledRuns::Merge(const Take& take) {
  while (runs_.size() > kMostAtOnce) {
    const uint64_t end = runs_[kMostAtOnce].begin;
    RequireFreeSpace(directory_, end - runs_.front().begin);
    Writer writer(*this);
    MergeRuns(kMostAtOnce, [&](std::string_view key, std::string_view value) { writer.Put(key, value); });
    runs_.erase(runs_.begin(), runs_.begin() + kMostAtOnce);
    runs_.push_back(writer.Finish());
    FreeBefore(end);
  }
  MergeRuns(runs_.size(), take);
  runs_.clear();
  file_ = FileDescriptor();
  size_ = 0;
}

void SpilledRuns::MergeRuns(size_t count, const Take& take) {
  std::vector<Cursor> cursors;
  cursors.reserve(count);
  std::vector<Cursor*> heap;  // The one with the least key is first.
  for (size_t i = 0; i < count; ++i) {
    Cursor& cursor = cursors.emplace_back(*this, runs_[i]);
    if (cursor.Next()) heap.push_back(&cursor);
  }
  const auto after = [](const Cursor* a, const Cursor* b) { return b->IsBefore(*a); };
  std::make_heap(heap.begin(), heap.end(), after);
  while (!heap.empty()) {
    std::pop_heap(heap.begin(), heap.end(), after);
    Cursor* least = heap.back();
    std::string apart;  // Freed at once: it may be large.
    take(least->key(), least->Value(&apart));
    if (least->Next()) {
      std::push_heap(heap.begin(), heap.end(), after);
    } else {
      heap.pop_back();
    }
  }
}

// Where the file system cannot do this, the space is free when the file is.
void SpilledRuns::FreeBefore(uint64_t end) {
  (void)fallocate(file_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(end));
}

}  // namespace rotv
