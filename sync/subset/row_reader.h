// Reads tables once, and keeps what choosing rows takes: hashes of keys.

#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "storage/interrupt.h"
#include "storage/row_store.h"
#include "sync/context/progress.h"
#include "sync/subset/chosen_rows.h"
#include "sync/subset/hash_file.h"
#include "sync/subset/hash_set.h"
#include "sync/subset/key_hash.h"
#include "sync/subset/row_bits.h"

namespace rotv::subset {

struct ReadRequest {
  proto::Table table;  // With the conditions of the start in its mask, and no others.
  const proto::Shape* shape = nullptr;
  ScanRequest scan;
  std::vector<std::vector<KeyField>> keys;  // Whose hashes are kept.
  uint64_t seed = 0;                        // For HashRow().
  bool keeps_row_hashes = false;
  bool starts = false;  // Rows of it are where the subset starts: those that satisfy the conditions, and
  std::optional<uint32_t> percent_millionths;  // this part of them.
  // Parallel to keys. Rows with one of these keys are likely to be chosen, as are those that start, and all of a table
  // that is whole: their keys' hashes come in ReadTable::likely_keys, and their lines with the ranges.
  std::vector<std::vector<const HashSet*>> likely;  // They outlive the reading.
  bool whole = false;
};

// One hash for each row of a table.
class RowHashes {
 public:
  // `file` outlives it.
  explicit RowHashes(const HashFile& file) : file_(&file) {}

  // Says that the hashes of the next `rows` rows are at this place.
  void Add(uint64_t at, uint64_t rows);

  uint64_t At(uint64_t row) const;
  // Calls `visit` with each row and its hash, in order. Throws kDisk.
  template <typename Visit>
  void Walk(const Visit& visit) const {
    std::vector<uint64_t> hashes;
    for (const Run& run : runs_) {
      for (uint64_t done = 0; done < run.rows; done += hashes.size()) {
        Read(run, done, &hashes);
        for (size_t i = 0; i < hashes.size(); ++i) visit(run.first + done + i, hashes[i]);
      }
    }
  }

  // Rows by their hashes, sorted. Made by the first call, at 16 bytes for each row, which DropIndex() gives back.
  using Index = std::vector<std::pair<uint64_t, uint64_t>>;
  const Index& SortedIndex();
  void DropIndex() { index_.reset(); }

 private:
  struct Run {
    uint64_t first = 0;
    uint64_t rows = 0;
    uint64_t at = 0;
  };
  void Read(const Run& run, uint64_t done, std::vector<uint64_t>* hashes) const;

  const HashFile* file_;
  std::vector<Run> runs_;
  std::optional<Index> index_;
};

struct ReadTable {
  uint64_t rows = 0;
  std::vector<RowRange> ranges;
  RowBits start;
  std::vector<RowHashes> keys;         // Parallel to those of the request.
  std::vector<HashSet> likely_keys;    // The same.
  std::optional<RowBits> likely_rows;  // Nothing if their lines were too many to be kept.
  std::optional<RowHashes> row_hashes;
};

// What readers of tables share. All of it outlives what they read.
struct ReadPlace {
  const RowStore& store;
  HashFile& file;
  Progress& progress;
  const Interrupt& interrupt;
  std::atomic<uint64_t> rows{0};         // That were read.
  std::atomic<uint64_t> line_bytes{0};   // Of lines that are kept.
  std::atomic<uint64_t> likely_keys{0};  // That are kept.
};

// Reads the tables on several threads, each row once. The result is parallel to `requests`, and the same whatever the
// threads did, but for which lines were kept. Throws kCorrupt, kDisk and kInterrupted.
std::vector<ReadTable> ReadTables(const std::vector<ReadRequest>& requests, ReadPlace& place);

// Counts the rows of a table, as far as `most`.
uint64_t CountRows(const RowStore& store, const ScanRequest& scan, uint64_t most);

}  // namespace rotv::subset
