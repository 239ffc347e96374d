#include "sync/compare/digests_ahead.h"

#include <algorithm>

#include "storage/epochs.h"
#include "storage/error.h"
#include "sync/compare/digest_sql.h"
#include "sync/schema/follow.h"

// A digest is the table's at the first state, and so at a later one if neither its description nor its epoch has become
// another, and the store has no version of it from in between. The versions themselves are asked and not the change
// log, since it is the store that is being checked: one that the log lacks must be seen too. That reads only the files
// that were written since. If gc has removed versions up to a later state, they do not tell any more. Whatever is
// written while a table is read is of later states, so the scan does not see it.

namespace rotv::compare {
namespace {

// Ends a reading that nobody waits for.
struct NotWanted {};

}  // namespace

DigestsAhead::DigestsAhead(const RowStore& store, const std::function<bool(const proto::Table&)>& wanted,
                           const Interrupt& interrupt)
    : store_(store), interrupt_(interrupt), from_(store.state().durable_lsn()) {
  if (!store.state().unfinished()) AddJobs(wanted);
  thread_ = std::thread([this] { Run(); });
}

DigestsAhead::~DigestsAhead() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  thread_.join();
}

void DigestsAhead::AddJobs(const std::function<bool(const proto::Table&)>& wanted) {
  const proto::SchemaVersion schema = store_.SchemaAt(from_);
  const std::map<TableId, EpochNumber> epochs = EpochsAt(store_.manifest(), from_);
  for (const proto::Table& table : schema.tables()) {
    const auto epoch = epochs.find(table.id());
    if (epoch == epochs.end() || !schema::HasRows(table) || !wanted(table)) continue;
    if (!CanBeCompared(table, store_.shapes().Get(table.shape()))) continue;
    Job& job = jobs_.emplace_back();
    job.table = table;
    job.epoch = epoch->second;
  }
  std::map<TableId, uint64_t> sizes;
  for (const proto::TableHistory& history : store_.manifest().tables()) sizes[history.table()] = history.copied_bytes();
  std::stable_sort(jobs_.begin(), jobs_.end(),
                   [&](const Job& a, const Job& b) { return sizes[a.table.id()] > sizes[b.table.id()]; });
  for (Job& job : jobs_) by_table_[job.table.id()] = &job;
}

DigestsAhead::Job* DigestsAhead::Begin() {
  const std::lock_guard lock(mutex_);
  if (stop_) return nullptr;
  const auto next = std::find_if(jobs_.begin(), jobs_.end(), [](const Job& job) { return job.wanted && !job.begun; });
  if (next == jobs_.end()) return nullptr;
  next->begun = true;
  return &*next;
}

void DigestsAhead::Run() {
  while (Job* job = Begin()) {
    std::optional<TableDigest> digest;
    try {
      digest = DigestOf(store_, {.table = job->table, .epoch = job->epoch, .lsn = from_}, [&](uint64_t) {
        const std::lock_guard lock(mutex_);
        if (stop_ || !job->wanted || interrupt_.requested()) throw NotWanted();
      });
    } catch (...) {  // NotWanted, or an error that whoever reads the table again meets himself.
    }
    const std::lock_guard lock(mutex_);
    job->digest = std::move(digest);
    job->ended = true;
    changed_.notify_all();
  }
}

void DigestsAhead::WaitUntilRead() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock,
                [&] { return std::all_of(jobs_.begin(), jobs_.end(), [](const Job& job) { return job.ended; }); });
}

std::optional<std::set<TableId>> DigestsAhead::ChangedUntil(Lsn lsn) const {
  std::set<TableId> changed;
  if (lsn <= from_) return changed;
  if (Lsn(store_.manifest().kept_from_lsn()) > from_) return std::nullopt;
  try {
    store_.VisitVersions(
        [&](const VersionKey& key, const RowVersion& /*version*/, size_t /*bytes*/) {
          interrupt_.Check();
          changed.insert(key.table);
        },
        from_);
  } catch (const Error& error) {
    // The check itself finds which tables have the damage.
    if (error.code() != ErrorCode::kCorrupt) throw;
    return std::nullopt;
  }
  return changed;
}

void DigestsAhead::ComeTo(Lsn lsn) {
  const std::optional<std::set<TableId>> changed = ChangedUntil(lsn);
  const std::lock_guard lock(mutex_);
  std::erase_if(by_table_, [&](const auto& entry) { return !changed || changed->count(entry.first) > 0; });
  // What nobody will take is neither begun nor read to its end.
  for (Job& job : jobs_) job.wanted = by_table_.count(job.table.id()) > 0;
}

std::optional<TableDigest> DigestsAhead::Take(const StoredTable& table) {
  std::unique_lock lock(mutex_);
  const auto found = by_table_.find(table.table.id());
  if (found == by_table_.end()) return std::nullopt;
  Job& job = *found->second;
  by_table_.erase(found);
  const bool is_same = job.epoch == table.epoch && job.table.SerializeAsString() == table.table.SerializeAsString();
  if (!job.begun || !is_same) {
    job.wanted = false;
    return std::nullopt;
  }
  changed_.wait(lock, [&] { return job.ended; });
  return std::move(job.digest);
}

}  // namespace rotv::compare
