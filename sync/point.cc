#include "sync/point.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <cstdio>
#include <ctime>

#include "storage/error.h"

namespace rotv {
namespace {

constexpr int64_t kUsPerSecond = 1000000;

// ISO 8601 in UTC: a date, then optionally hours and minutes, seconds, and Z.
std::optional<int64_t> ParseTimeUs(const std::string& text) {
  std::tm parts{};
  int read = 0;
  for (const char* form :
       {"%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d"}) {
    parts = {};
    const char* end = strptime(text.c_str(), form, &parts);
    if (end != nullptr && *end == '\0') {
      read = 1;
      break;
    }
  }
  if (read == 0) return std::nullopt;
  return static_cast<int64_t>(timegm(&parts)) * kUsPerSecond;
}

std::string TimeText(int64_t time_us) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(static_cast<std::time_t>(time_us / kUsPerSecond)));
}

[[noreturn]] void ThrowNoPoint(const proto::Manifest& manifest, const std::string& what) {
  throw Error(ErrorCode::kUsage, what,
              // Rounded up, so that the lower end is one of them.
              fmt::format("points exist from {} ({}) to {} ({})", Lsn(manifest.baseline_lsn()).ToString(),
                          TimeText(manifest.baseline_time_us() + kUsPerSecond - 1), Lsn(manifest.head_lsn()).ToString(),
                          TimeText(manifest.head_time_us())));
}

// The commit time of the last transaction before `lsn`; the baseline's where there is none.
int64_t TimeAt(const RowStore& store, Lsn lsn) {
  int64_t time_us = store.manifest().baseline_time_us();
  store.VisitLog(Lsn(), [&](const proto::Transaction& transaction) {
    if (Lsn(transaction.commit_lsn()) >= lsn) return false;
    time_us = std::max(time_us, transaction.commit_time_us());
    return true;
  });
  return time_us;
}

// Just behind the last transaction that committed at or before `time_us`.
Lsn LsnAt(const RowStore& store, int64_t time_us) {
  Lsn lsn(store.manifest().baseline_lsn());
  store.VisitLog(Lsn(), [&](const proto::Transaction& transaction) {
    if (transaction.commit_time_us() > time_us) return false;
    lsn = std::max(lsn, Lsn(transaction.commit_lsn() + 1));
    return true;
  });
  return std::min(lsn, Lsn(store.manifest().head_lsn()));
}

// Throws if the state at `lsn` cannot be had, with the two nearest that can.
void CheckNoGap(const RowStore& store, Lsn lsn) {
  for (const proto::Gap& gap : store.manifest().gaps()) {
    Lsn after(gap.after_lsn());
    Lsn before(gap.before_lsn());
    if (lsn <= after || lsn >= before) continue;
    throw Error(
        ErrorCode::kUsage,
        fmt::format("{} lies within a pull that found the schema changed or copied tables again", lsn.ToString()),
        fmt::format("the nearest points are {} ({}) and {} ({})", after.ToString(), TimeText(TimeAt(store, after)),
                    before.ToString(), TimeText(TimeAt(store, before))));
  }
}

}  // namespace

Point FindPoint(const RowStore& store, const std::string& at, const std::string& snapshot) {
  const proto::Manifest& manifest = store.manifest();
  Lsn baseline(manifest.baseline_lsn());
  Lsn head(manifest.head_lsn());
  if (at.empty()) {
    if (snapshot == "head") return {head, manifest.head_time_us()};
    if (snapshot == "baseline") return {baseline, manifest.baseline_time_us()};
    throw Error(ErrorCode::kUsage, fmt::format("there is no snapshot named {}", snapshot),
                "head and baseline always exist");
  }
  if (std::optional<Lsn> lsn = Lsn::Parse(at)) {
    if (*lsn < baseline || *lsn > head) ThrowNoPoint(manifest, fmt::format("{} is outside of what is stored", at));
    CheckNoGap(store, *lsn);
    return {*lsn, *lsn == head ? manifest.head_time_us() : TimeAt(store, *lsn)};
  }
  std::optional<int64_t> time_us = ParseTimeUs(at);
  if (!time_us) {
    throw Error(ErrorCode::kUsage, fmt::format("{} is neither an LSN nor a time", at),
                "write an LSN as 16/B374D848, a time (UTC) as 2026-01-31T12:00:00Z");
  }
  if (*time_us < manifest.baseline_time_us() || *time_us > manifest.head_time_us()) {
    ThrowNoPoint(manifest, fmt::format("{} is outside of what is stored", at));
  }
  Lsn lsn = LsnAt(store, *time_us);
  CheckNoGap(store, lsn);
  return {lsn, *time_us};
}

}  // namespace rotv
