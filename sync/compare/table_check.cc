#include "sync/compare/table_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <map>

#include "storage/error.h"
#include "sync/compare/digest_sql.h"
#include "sync/formats/text_hash.h"
#include "sync/postgres/locked_reading.h"
#include "sync/postgres/table_queue.h"
#include "sync/postgres/watchdog.h"

namespace rotv::compare {

// Sums decide whether two copies of a table are equal, so that neither rows nor a dump cross the link: each side hashes
// its rows, and the sums of the hashes are compared by group. A sum does not depend on the order of rows, so the source
// needs no sort, and the sums of several reads can be added.
//
// Work is split twice, by what each side is good at. The store is read once, in the order of its keys, and while it is
// read its groups are decided (table_digest.h). Then the source computes the same groups. It reads its file in the
// order of its blocks, so a large table is divided by ranges of blocks (ctid), of about 64 MB and at most 64 of them,
// among the connections; every part contributes to every group, and the parts are added. That is why the store comes
// first: only a layout of groups that is known can be computed by several statements in any order. Dividing the source
// by ranges of keys instead would need an index scan, or a full read for each range.
//
// Invariant: all reads of a table are at one exported snapshot, and each one checks in its own statement that the
// table's file is still the one that this snapshot sees; else the check is given up as moved, and verify compares the
// table again at a later snapshot. An equal digest therefore proves equality at the snapshot's LSN, whatever has
// happened since.
//
// The queue is ordered so that memory stays bounded: tables wait in order of size, the largest first, so that no large
// one is left for a single connection at the end; the source's parts of a table go to the front, so that its groups are
// not kept for long; a table that is locked goes to the back. If our lock blocks another session for more than a
// second, the watchdog cancels our statement, and the read is tried again later.

namespace {

// A table of several times this size is read in parts.
constexpr int64_t kBytesAtOnce = int64_t{64} << 20;
constexpr int64_t kMostParts = 64;

// A job first reads the store, which decides the groups; then jobs for the source follow, one for each part.
struct Job {
  TableCheck* check = nullptr;
  bool on_source = false;
  BlockRange blocks = {};
};

struct Size {
  int64_t blocks = 0;
  int64_t bytes = 0;  // Includes the TOAST table.
};

using Sizes = std::map<TableId, Size>;

// Returns the checks, those of the largest tables first.
std::deque<Job> JobsOf(std::deque<TableCheck>* checks, Sizes& sizes) {
  std::deque<Job> jobs;
  for (TableCheck& check : *checks) jobs.push_back({.check = &check});
  const auto bytes = [&](const Job& job) { return sizes[job.check->table->id()].bytes; };
  std::stable_sort(jobs.begin(), jobs.end(), [&](const Job& a, const Job& b) { return bytes(a) > bytes(b); });
  return jobs;
}

class Work : public postgres::TableQueue<Job> {
 public:
  Work(postgres::SourceSession& session, std::deque<TableCheck>* checks, Sizes sizes)
      : TableQueue(session, JobsOf(checks, sizes)), sizes_(std::move(sizes)) {}

  // Follows a check's read of the store: the reads on the source come before all other jobs, so that the groups are not
  // kept for long.
  void AskSource(TableCheck* check, bool has_blocks) {
    check->source.assign(check->stored.groups.size(), {});
    const auto found = sizes_.find(check->table->id());
    const Size size = found == sizes_.end() ? Size() : found->second;
    int64_t most = has_blocks ? std::clamp<int64_t>(size.blocks, 1, kMostParts) : 1;
    int64_t parts = std::clamp<int64_t>(size.bytes / kBytesAtOnce, 1, most);
    int64_t step = std::max<int64_t>(1, size.blocks / parts);
    check->parts_left = static_cast<size_t>(parts);
    std::vector<Job> jobs;
    for (int64_t part = 0; part < parts; ++part) {
      BlockRange blocks{.begin = part * step, .end = part + 1 == parts ? -1 : (part + 1) * step};
      jobs.push_back({.check = check, .on_source = true, .blocks = blocks});
    }
    Finish([] {}, jobs);
  }

  void Done(const Job& job, const postgres::PgResult& groups) {
    Finish([&] {
      AddGroups(groups, &job.check->source);
      if (--job.check->parts_left == 0 && job.check->equal()) job.check->ForgetGroups();
    });
  }
  void GiveUp(const Job& job) {
    Finish([&] {
      if (job.on_source) job.check->moved = true;
    });
  }

  bool Moved(const TableCheck& check) {
    std::lock_guard lock(mutex_);
    return check.moved;
  }

  std::atomic<uint64_t> rows_so_far{0};

 private:
  const Sizes sizes_;
};

class Worker {
 public:
  Worker(postgres::PgConnection& connection, const Context& context, const RowStore& store, const CheckRequest& request,
         Work& work)
      : connection_(connection), context_(context), store_(store), request_(request), work_(work) {}

  void Run() {
    while (std::optional<Job> job = work_.Take()) {
      context_.progress.Detail(job->check->table->quoted_name());
      job->on_source ? AskSource(*job) : ReadStore(*job);
    }
  }

 private:
  DigestSql SqlOf(const TableCheck& check) const {
    return DigestSql(connection_, *check.table, store_.shapes().Get(check.table->shape()));
  }

  void ReadStore(const Job& job) {
    TableCheck& check = *job.check;
    try {
      check.stored = Digest(check);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kCorrupt) throw;
      check.unreadable = error.what();
      return work_.GiveUp(job);
    }
    work_.AskSource(&check, SqlOf(check).HasBlocks());
  }

  TableDigest Digest(const TableCheck& check) {
    const StoredTable table{.table = *check.table, .epoch = check.epoch, .lsn = request_.lsn};
    if (request_.ahead != nullptr) {
      if (std::optional<TableDigest> digest = request_.ahead->Take(table)) {
        Report(digest->rows());
        return *std::move(digest);
      }
    }
    return DigestOf(store_, table, [this](uint64_t rows) { Report(rows); });
  }

  void Report(uint64_t rows) {
    context_.interrupt.Check();
    context_.progress.Update(work_.rows_so_far += rows);
  }

  void AskSource(const Job& job) {
    const TableCheck& check = *job.check;
    if (work_.Moved(check)) return work_.GiveUp(job);
    // The source uses one process for each of our connections, and no temporary file.
    postgres::PgOutcome outcome = connection_.TryQuery(
        fmt::format("{}SET LOCAL max_parallel_workers_per_gather = 0; SET LOCAL enable_sort = off; {}; COMMIT",
                    postgres::BeginReadingSql(connection_, *check.table, request_.snapshot),
                    SqlOf(check).Groups(check.stored, job.blocks)));
    if (outcome.failure) return Failed(job, *outcome.failure);
    // The check is followed by two SETs, the groups, and COMMIT.
    const postgres::PgResult& unmoved = outcome.results.at(outcome.results.size() - 5);
    if (unmoved.rows() != 1 || !unmoved.Bool(0, 0)) return work_.GiveUp(job);
    work_.Done(job, outcome.results.at(outcome.results.size() - 2));
  }

  void Failed(const Job& job, const postgres::PgFailure& failure) {
    (void)connection_.TryQuery("ROLLBACK");
    if (postgres::IsForMovedTable(failure)) return work_.GiveUp(job);
    if (!postgres::IsForBusyTable(failure)) connection_.Throw(failure);
    work_.TryLater(job, *job.check->table, failure);
  }

  postgres::PgConnection& connection_;
  const Context& context_;
  const RowStore& store_;
  const CheckRequest& request_;
  Work& work_;
};

// A server on a big-endian machine computes other hashes.
void CheckSameHash(postgres::PgConnection& connection) {
  constexpr std::string_view kText = "what both must give the same number to";
  constexpr uint64_t kSeed = 0x123456789abcdef0;
  postgres::PgResult row = connection.Query(
      fmt::format("SELECT hashtextextended({} COLLATE \"C\", {})", connection.QuoteLiteral(kText), kSeed));
  if (static_cast<uint64_t>(row.Int(0, 0)) == formats::HashText(kText, kSeed)) return;
  throw Error(ErrorCode::kProtocol, "the source's machine hashes text differently than this one",
              "verify works with servers on little-endian machines only; compare a seed with pg_dump instead");
}

// These are the sizes at the last vacuum: asking for the present ones would wait for anyone who has locked a table.
Sizes ReadSizes(postgres::PgConnection& connection) {
  postgres::PgResult rows = connection.Query(
      "SELECT c.oid, c.relpages, (c.relpages + coalesce(t.relpages, 0)) * current_setting('block_size')::bigint "
      "FROM pg_class c LEFT JOIN pg_class t ON t.oid = c.reltoastrelid WHERE c.relkind = 'r' AND c.relpages > 0");
  Sizes sizes;
  for (int row = 0; row < rows.rows(); ++row) {
    sizes[rows.Oid(row, 0)] = {.blocks = rows.Int(row, 1), .bytes = rows.Int(row, 2)};
  }
  return sizes;
}

}  // namespace

void TableCheck::ForgetGroups() {
  GroupDigest all{.rows = stored.rows(), .sum = 0};
  stored = {.begins = {}, .parts = 1, .groups = {all}};
  source = {all};
}

std::vector<size_t> TableCheck::DifferingGroups() const {
  std::vector<size_t> differing;
  for (size_t group = 0; group < source.size(); ++group) {
    if (stored.groups.at(group) != source[group]) differing.push_back(group);
  }
  return differing;
}

void CheckTables(postgres::SourceSession& session, const RowStore& store, const CheckRequest& request,
                 std::deque<TableCheck>* checks) {
  CheckSameHash(session.connection());
  if (checks->empty()) return;
  Work work(session, checks, ReadSizes(session.connection()));
  postgres::Watchdog watchdog(session);
  session.context().progress.Begin("comparing rows", Progress::Unit::kRows, 0);
  work.Run(checks->size() + 1, [&](postgres::PgConnection& connection) {
    Worker(connection, session.context(), store, request, work).Run();
  });
}

}  // namespace rotv::compare
