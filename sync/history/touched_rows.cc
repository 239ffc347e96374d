#include "sync/history/touched_rows.h"

#include <algorithm>

#include "storage/error.h"

namespace rotv::history {

// The keys that a diff looks up are collected from the change log, within a fixed amount of memory for all tables
// together. When it is exceeded, the table with the most keys loses them and is merged as a whole instead (row_diff.h):
// the diff of such a table costs a pass over both of its states. Moments of the timeline are bounded in the same way:
// when there are too many, the unit of time is doubled and neighbours are added up.

namespace {

constexpr size_t kMostBytes = size_t{64} << 20;  // Memory for keys, including their containers.
constexpr size_t kBytesBesideKey = 64;
constexpr size_t kMostMoments = 4096;
constexpr int64_t kSteps = 120;

// Removes the first key from TableChanges.keys and returns it.
std::string_view TakeKey(std::string_view* keys) {
  size_t length = 0;
  for (int shift = 0;; shift += 7) {
    if (keys->empty() || shift > 28) throw Error(ErrorCode::kCorrupt, "the store's change log is damaged");
    auto byte = static_cast<unsigned char>(keys->front());
    keys->remove_prefix(1);
    length |= static_cast<size_t>(byte & 0x7F) << shift;
    if ((byte & 0x80) == 0) break;
  }
  if (length > keys->size()) throw Error(ErrorCode::kCorrupt, "the store's change log is damaged");
  std::string_view key = keys->substr(0, length);
  keys->remove_prefix(length);
  return key;
}

int64_t RoundDown(int64_t time_us, int64_t unit_us) { return time_us - ((time_us % unit_us) + unit_us) % unit_us; }

}  // namespace

TouchedRows::TouchedRows(const RowStore& store, Lsn from, Lsn to, const Interrupt& interrupt) {
  store.VisitLog(from, [&](const proto::Transaction& transaction) {
    if (Lsn(transaction.commit_lsn()) >= to) return false;
    interrupt.Check();
    Moment& moment = moments_[RoundDown(transaction.commit_time_us(), resolution_us_)];
    if (!transaction.continued()) {
      ++transactions_;
      ++moment.transactions;
    }
    for (const proto::TableChanges& changes : transaction.changes()) {
      moment.rows[changes.table()] += changes.inserted() + changes.updated() + changes.deleted();
      TakeKeys(changes);
    }
    if (moments_.size() > kMostMoments) Merge();
    return true;
  });
  for (auto& [table, keys] : found_) {
    std::vector<std::string>& sorted = keys_[table];
    while (!keys.empty()) sorted.push_back(std::move(keys.extract(keys.begin()).value()));
    std::sort(sorted.begin(), sorted.end());
  }
  found_.clear();
}

void TouchedRows::TakeKeys(const proto::TableChanges& changes) {
  TableAndEpoch table{changes.table(), changes.epoch()};
  if (std::count(too_many_.begin(), too_many_.end(), table) > 0) return;
  std::unordered_set<std::string>& keys = found_[table];
  for (std::string_view rest = changes.keys(); !rest.empty();) {
    std::string_view key = TakeKey(&rest);
    if (keys.emplace(key).second) bytes_ += key.size() + kBytesBesideKey;
  }
  if (bytes_ <= kMostBytes) return;
  auto largest = std::max_element(found_.begin(), found_.end(),
                                  [](const auto& a, const auto& b) { return a.second.size() < b.second.size(); });
  for (const std::string& key : largest->second) bytes_ -= key.size() + kBytesBesideKey;
  too_many_.push_back(largest->first);
  found_.erase(largest);
}

void TouchedRows::Merge() {
  resolution_us_ *= 2;
  std::map<int64_t, Moment> merged;
  for (auto& [time_us, moment] : moments_) {
    Moment& into = merged[RoundDown(time_us, resolution_us_)];
    into.transactions += moment.transactions;
    for (const auto& [table, rows] : moment.rows) into.rows[table] += rows;
  }
  moments_ = std::move(merged);
}

const std::vector<std::string>* TouchedRows::Keys(TableId table, EpochNumber epoch) const {
  static const std::vector<std::string> kNone;
  if (std::count(too_many_.begin(), too_many_.end(), TableAndEpoch{table, epoch}) > 0) return nullptr;
  auto found = keys_.find({table, epoch});
  return found == keys_.end() ? &kNone : &found->second;
}

std::vector<TimelineStep> TouchedRows::Timeline(int64_t begin_us, int64_t end_us,
                                                const std::map<TableId, std::string>& names) const {
  std::vector<TimelineStep> steps;
  const int64_t length = std::max<int64_t>((end_us - begin_us) / kSteps + 1, 1);
  for (int64_t at = begin_us; at < end_us; at += length) {
    steps.push_back({.begin_us = at, .end_us = std::min(at + length, end_us), .rows = {}});
  }
  if (steps.empty()) steps.push_back({.begin_us = begin_us, .end_us = end_us, .rows = {}});
  std::vector<std::map<std::string, uint64_t>> rows(steps.size());
  for (const auto& [time_us, moment] : moments_) {
    // Commit times may be slightly outside, since their order is not that of the WAL.
    int64_t index = std::clamp<int64_t>((time_us - begin_us) / length, 0, static_cast<int64_t>(steps.size()) - 1);
    auto at = static_cast<size_t>(index);
    steps[at].transactions += moment.transactions;
    for (const auto& [table, count] : moment.rows) {
      auto name = names.find(table);
      if (name != names.end() && count > 0) rows[at][name->second] += count;
    }
  }
  for (size_t i = 0; i < steps.size(); ++i) steps[i].rows.assign(rows[i].begin(), rows[i].end());
  return steps;
}

}  // namespace rotv::history
