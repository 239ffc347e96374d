#include "sync/history/growth.h"

#include <algorithm>

#include "storage/lsn.h"

// The change log says how many rows changed and when; the store's files say what a version of a row takes on average.
// A record of the store's size at earlier times was refused: compaction and gc make it smaller now and then, and a
// store that is there already has none.

namespace rotv::history {
namespace {

constexpr int64_t kUsPerDay = int64_t{24} * 60 * 60 * 1'000'000;
constexpr int64_t kLongestUs = 7 * kUsPerDay;
constexpr int64_t kShortestUs = kUsPerDay / 4;
constexpr uint64_t kMostTransactions = 200'000;  // Reading these takes less than a second.

}  // namespace

std::optional<uint64_t> GrowthPerDay(const RowStore& store) {
  const proto::Manifest& manifest = store.manifest();
  const int64_t end = manifest.head_time_us();
  int64_t begin = std::max(manifest.baseline_time_us(), manifest.kept_from_time_us());
  Lsn from(std::max({manifest.baseline_lsn(), manifest.kept_from_lsn(), manifest.log_from_lsn()}));
  const uint64_t versions = store.VersionsEstimate();
  if (end - begin < kShortestUs || versions == 0) return std::nullopt;
  const bool is_long = end - begin > kLongestUs;
  if (is_long) {
    // WAL is written about evenly: the first transaction after that part of it says when it was.
    const double part = static_cast<double>(kLongestUs) / static_cast<double>(end - begin);
    const auto wal = static_cast<double>(manifest.head_lsn() - from.value());
    from = Lsn(manifest.head_lsn() - static_cast<uint64_t>(wal * part));
  }
  uint64_t changes = 0;
  uint64_t transactions = 0;
  int64_t seen_until = end;
  store.VisitLog(from, [&](const proto::Transaction& transaction) {
    if (is_long && transactions == 0) begin = std::min(transaction.commit_time_us(), end - kShortestUs);
    for (const proto::TableChanges& table : transaction.changes()) {
      changes += table.inserted() + table.updated() + table.deleted();
    }
    if (++transactions < kMostTransactions) return true;
    seen_until = transaction.commit_time_us();
    return false;
  });
  const auto days = static_cast<double>(std::max(seen_until - begin, int64_t{1})) / static_cast<double>(kUsPerDay);
  const double version_bytes = static_cast<double>(store.DiskBytes()) / static_cast<double>(versions);
  return static_cast<uint64_t>(static_cast<double>(changes) * version_bytes / days);
}

}  // namespace rotv::history
