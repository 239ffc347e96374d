#include "sync/subset/row_reader.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>

#include "sync/formats/copy_text.h"
#include "sync/mask/row_filter.h"

namespace rotv::subset {
namespace {

constexpr size_t kPartsPerTable = 1 << 20;
constexpr size_t kMostReaders = 8;
constexpr size_t kHashesAtOnce = 8192;
constexpr uint64_t kRowsBetweenLooks = 4096;
constexpr uint64_t kRowsAtOnce = 16 * kRowsBetweenLooks;
// As many bytes of lines are kept, of all tables together; of other tables rows are read again to be written.
constexpr uint64_t kMostLineBytes = uint64_t{64} << 20;
constexpr uint64_t kMostLikelyKeys = uint64_t{4} << 20;

// A part of a table, which one thread reads.
struct Part {
  size_t table = 0;  // Index of the request.
  KeyRange range;
  uint64_t rows = 0;
  std::vector<bool> start;  // Empty: the table does not start.
  // Where the hashes of its rows are in the file, some rows after the other.
  struct Written {
    uint64_t rows = 0;
    std::vector<uint64_t> keys;
    uint64_t row_hashes = 0;
  };
  std::vector<Written> written;
  std::vector<uint64_t> likely_rows;
  std::vector<std::vector<uint64_t>> likely_keys;
  std::string lines;  // Of the likely rows.
  bool has_lines = true;
};

bool IsInPart(uint64_t row_hash, uint32_t percent_millionths) {
  constexpr uint64_t kAll = 100'000'000;
  return (row_hash >> 32) * kAll < static_cast<uint64_t>(percent_millionths) << 32;
}

class PartReader {
 public:
  PartReader(const ReadRequest& request, ReadPlace& place)
      : request_(request),
        place_(place),
        filter_(request.table, *request.shape),
        needs_row_hash_(request.keeps_row_hashes || request.percent_millionths),
        hashes_(request.keys.size()) {
    for (const std::vector<KeyField>& key : request.keys) {
      for (const KeyField& field : key) fields_needed_ = std::max(fields_needed_, field.index + 1);
    }
  }

  void Read(Part* part) {
    part->likely_keys.resize(request_.keys.size());
    ScanRequest scan_request = request_.scan;
    scan_request.range = part->range;
    const std::unique_ptr<RowScan> scan = place_.store.ScanAt(scan_request);
    for (uint64_t since_look = 0; scan->Next();) {
      Take(*scan, part);
      ++part->rows;
      if (part->rows % kRowsAtOnce == 0) Write(part);
      if (++since_look < kRowsBetweenLooks) continue;
      place_.interrupt.Check();
      place_.progress.Update(place_.rows += std::exchange(since_look, 0));
    }
    place_.interrupt.Check();
    Write(part);
  }

 private:
  void Write(Part* part) {
    Part::Written written{.rows = part->rows - rows_written_, .keys = {}};
    for (std::vector<uint64_t>& hashes : hashes_) {
      written.keys.push_back(place_.file.Append(hashes));
      hashes.clear();
    }
    if (request_.keeps_row_hashes) written.row_hashes = place_.file.Append(row_hashes_);
    row_hashes_.clear();
    rows_written_ = part->rows;
    part->written.push_back(std::move(written));
  }

  void Take(const RowScan& scan, Part* part) {
    const uint64_t row_hash = needs_row_hash_ ? HashRow(scan.row_key(), request_.seed) : 0;
    if (request_.keeps_row_hashes) row_hashes_.push_back(row_hash);
    if (!request_.keys.empty()) {
      formats::FirstCopyFields(scan.line(), fields_needed_, &fields_);
      for (size_t i = 0; i < hashes_.size(); ++i) hashes_[i].push_back(HashKey(fields_, request_.keys[i], &scratch_));
    }
    bool is_likely = request_.whole;
    for (size_t i = 0; i < request_.likely.size() && !is_likely; ++i) {
      for (const HashSet* keys : request_.likely[i]) is_likely |= keys->Has(hashes_[i].back());
    }
    if (request_.starts) {
      part->start.push_back(Starts(scan, row_hash));
      is_likely |= part->start.back();
    }
    if (is_likely) Keep(scan, part);
  }

  bool Starts(const RowScan& scan, uint64_t row_hash) {
    bool starts = !request_.percent_millionths || IsInPart(row_hash, *request_.percent_millionths);
    if (starts && !filter_.empty()) starts = filter_.Line(scan.line()) == mask::RowFilter::Verdict::kYes;
    return starts;
  }

  void Keep(const RowScan& scan, Part* part) {
    const bool keeps_keys = (place_.likely_keys += hashes_.size()) <= kMostLikelyKeys;
    for (size_t i = 0; i < hashes_.size() && keeps_keys; ++i) {
      if (hashes_[i].back() != 0) part->likely_keys[i].push_back(hashes_[i].back());
    }
    if (request_.whole || !part->has_lines) return;
    const size_t bytes = scan.line().size() + 1;
    if ((place_.line_bytes += bytes) > kMostLineBytes) {
      place_.line_bytes -= bytes + part->lines.size();
      part->has_lines = false;
      part->lines = {};
      return;
    }
    part->likely_rows.push_back(part->rows);
    part->lines.append(scan.line()).push_back('\n');
  }

  const ReadRequest& request_;
  ReadPlace& place_;
  mask::RowFilter filter_;
  const bool needs_row_hash_;
  size_t fields_needed_ = 0;
  std::vector<std::vector<uint64_t>> hashes_;
  std::vector<uint64_t> row_hashes_;
  uint64_t rows_written_ = 0;
  std::vector<std::string_view> fields_;
  std::string scratch_;
};

class TablesReader {
 public:
  TablesReader(const std::vector<ReadRequest>& requests, ReadPlace& place) : requests_(requests), place_(place) {}

  std::vector<ReadTable> Run() {
    for (size_t i = 0; i < requests_.size(); ++i) {
      const ScanRequest& scan = requests_[i].scan;
      for (KeyRange& range : place_.store.Split(scan.table, scan.epoch, kPartsPerTable)) {
        parts_.push_back({.table = i, .range = std::move(range)});
      }
    }
    ReadParts();
    return Together();
  }

 private:
  void ReadParts() {
    std::vector<std::thread> threads;
    const size_t readers = std::clamp<size_t>(std::thread::hardware_concurrency(), 2, kMostReaders);
    try {
      for (size_t i = 0; i < std::min(readers, parts_.size()); ++i) threads.emplace_back([this] { Work(); });
    } catch (const std::system_error&) {
      // Where no more threads are allowed, those that there are read all.
    }
    if (threads.empty()) Work();
    for (std::thread& thread : threads) thread.join();
    if (error_) std::rethrow_exception(error_);
  }

  void Work() {
    try {
      for (size_t at = next_++; at < parts_.size() && !stop_; at = next_++) {
        PartReader(requests_[parts_[at].table], place_).Read(&parts_[at]);
      }
    } catch (...) {
      const std::lock_guard lock(mutex_);
      if (!error_) error_ = std::current_exception();
      stop_ = true;
    }
  }

  std::vector<ReadTable> Together() {
    std::vector<ReadTable> tables(requests_.size());
    for (size_t i = 0; i < tables.size(); ++i) {
      tables[i].keys.assign(requests_[i].keys.size(), RowHashes(place_.file));
      if (requests_[i].keeps_row_hashes) tables[i].row_hashes.emplace(place_.file);
    }
    for (Part& part : parts_) {
      ReadTable& table = tables[part.table];
      for (const Part::Written& written : part.written) {
        for (size_t i = 0; i < table.keys.size(); ++i) table.keys[i].Add(written.keys[i], written.rows);
        if (table.row_hashes) table.row_hashes->Add(written.row_hashes, written.rows);
      }
      table.likely_keys.resize(part.likely_keys.size());
      for (size_t i = 0; i < part.likely_keys.size(); ++i) {
        for (const uint64_t hash : part.likely_keys[i]) table.likely_keys[i].Add(hash);
      }
      table.ranges.push_back(
          {.range = part.range, .first = table.rows, .rows = part.rows, .lines = std::move(part.lines)});
      table.rows += part.rows;
    }
    for (size_t i = 0; i < tables.size(); ++i) {
      tables[i].start = RowBits(requests_[i].starts ? tables[i].rows : 0);
      if (!requests_[i].whole) tables[i].likely_rows = RowBits(tables[i].rows);
    }
    std::vector<uint64_t> first(tables.size());
    for (const Part& part : parts_) {
      for (uint64_t row = 0; row < part.start.size(); ++row) {
        if (part.start[row]) tables[part.table].start.Add(first[part.table] + row);
      }
      std::optional<RowBits>& likely = tables[part.table].likely_rows;
      if (!part.has_lines) likely.reset();
      for (const uint64_t row : part.likely_rows) {
        if (likely) likely->Add(first[part.table] + row);
      }
      first[part.table] += part.rows;
    }
    return tables;
  }

  const std::vector<ReadRequest>& requests_;
  ReadPlace& place_;
  std::vector<Part> parts_;
  std::atomic<size_t> next_{0};
  std::atomic<bool> stop_{false};
  std::mutex mutex_;  // Of the next one.
  std::exception_ptr error_;
};

}  // namespace

void RowHashes::Add(uint64_t at, uint64_t rows) {
  if (rows == 0) return;
  const uint64_t first = runs_.empty() ? 0 : runs_.back().first + runs_.back().rows;
  runs_.push_back({.first = first, .rows = rows, .at = at});
}

uint64_t RowHashes::At(uint64_t row) const {
  const auto after = std::upper_bound(runs_.begin(), runs_.end(), row,
                                      [](uint64_t wanted, const Run& run) { return wanted < run.first; });
  const Run& run = *std::prev(after);
  uint64_t hash = 0;
  file_->Read(run.at + (row - run.first), 1, &hash);
  return hash;
}

void RowHashes::Read(const Run& run, uint64_t done, std::vector<uint64_t>* hashes) const {
  hashes->resize(static_cast<size_t>(std::min<uint64_t>(kHashesAtOnce, run.rows - done)));
  file_->Read(run.at + done, hashes->size(), hashes->data());
}

const RowHashes::Index& RowHashes::SortedIndex() {
  if (index_) return *index_;
  index_.emplace();
  index_->reserve(runs_.empty() ? 0 : runs_.back().first + runs_.back().rows);
  Walk([this](uint64_t row, uint64_t hash) {
    if (hash != 0) index_->emplace_back(hash, row);
  });
  std::sort(index_->begin(), index_->end());
  return *index_;
}

std::vector<ReadTable> ReadTables(const std::vector<ReadRequest>& requests, ReadPlace& place) {
  return TablesReader(requests, place).Run();
}

uint64_t CountRows(const RowStore& store, const ScanRequest& scan, uint64_t most) {
  const std::unique_ptr<RowScan> rows = store.ScanAt(scan);
  uint64_t count = 0;
  while (count < most && rows->Next()) ++count;
  return count;
}

}  // namespace rotv::subset
