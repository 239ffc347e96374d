#include "sync/compare/table_digest.h"

#include <algorithm>
#include <bit>
#include <numeric>

namespace rotv::compare {

// The layout of groups must be decided while the store is read once, before it is known how many rows there are, and
// the source must be able to compute a row's group in plain SQL.
//
// Ranges of keys are cut every ten thousand rows. If there would be more than 256, each two neighbours become one, and
// later ranges are cut twice as large: so the final ranges have about the same size, and memory is fixed. The limit is
// 256 because the source finds a row's range by width_bucket(), which walks an array of texts from its start. A range
// whose rows are too many for one group is divided further by the last bits of the rows' hashes. 1,024 such parts are
// counted for every range while it is read; only Finish(), which knows the largest range, decides how many are kept
// apart.
//
// Ranges localise a difference for people and for the repair, which then reads a part of the table by its index; the
// parts by hashes only keep the groups small. A row that differs is in two parts, by its old and its new hash, but in
// one range, so the examination takes all differing parts of a range together.

namespace {

constexpr uint64_t kRowsPerGroup = 10'000;
constexpr size_t kMostRanges = 256;
constexpr size_t kMostDigestParts = 1024;
constexpr size_t kMostGroups = 16'384;

uint64_t RowsIn(const std::vector<GroupDigest>& groups) {
  return std::accumulate(groups.begin(), groups.end(), uint64_t{0},
                         [](uint64_t rows, const GroupDigest& group) { return rows + group.rows; });
}

}  // namespace

uint64_t TableDigest::rows() const { return RowsIn(groups); }

DigestBuilder::DigestBuilder(Ranges ranges)
    : ranges_(ranges), rows_per_range_(kRowsPerGroup), current_(kMostDigestParts) {}

void DigestBuilder::Cut(std::string_view key) {
  if (!knows_last_key_) {
    last_key_.assign(key);
    knows_last_key_ = true;
    return;
  }
  if (key == last_key_) return;
  EndRange();
  if (ended_.size() + 1 >= kMostRanges) HalveRanges();
  begins_.emplace_back(key);
}

void DigestBuilder::EndRange() {
  ended_.push_back(std::move(current_));
  current_.assign(kMostDigestParts, {});
  rows_here_ = 0;
  knows_last_key_ = false;
}

void DigestBuilder::HalveRanges() {
  // If the number of ranges is odd, the last one stays alone.
  std::vector<Parts> halved;
  std::vector<std::string> begins;
  for (size_t i = 0; i < ended_.size(); ++i) {
    if (i % 2 == 0) {
      halved.push_back(std::move(ended_[i]));
      if (i > 0) begins.push_back(std::move(begins_[i - 1]));
      continue;
    }
    for (size_t part = 0; part < kMostDigestParts; ++part) halved.back()[part].Add(ended_[i][part]);
  }
  ended_ = std::move(halved);
  begins_ = std::move(begins);
  rows_per_range_ *= 2;
}

TableDigest DigestBuilder::Finish() {
  ended_.push_back(std::move(current_));
  uint64_t most_rows = 0;
  for (const Parts& range : ended_) most_rows = std::max(most_rows, RowsIn(range));
  TableDigest digest;
  digest.begins = std::move(begins_);
  digest.parts = std::min({std::bit_ceil(static_cast<size_t>(most_rows / kRowsPerGroup / 2 + 1)), kMostDigestParts,
                           kMostGroups / std::bit_ceil(ended_.size())});
  digest.groups.resize(ended_.size() * digest.parts);
  for (size_t range = 0; range < ended_.size(); ++range) {
    for (size_t part = 0; part < kMostDigestParts; ++part)
      digest.groups[digest.GroupOf(range, part)].Add(ended_[range][part]);
  }
  return digest;
}

}  // namespace rotv::compare
