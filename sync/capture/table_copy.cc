#include "sync/capture/table_copy.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <exception>
#include <map>
#include <mutex>
#include <numeric>
#include <thread>

#include "storage/epochs.h"
#include "storage/error.h"
#include "sync/formats/row_check.h"
#include "sync/mask/row_filter.h"
#include "sync/mask/row_mask.h"
#include "sync/mask/row_sample.h"
#include "sync/postgres/large_objects.h"
#include "sync/postgres/locked_reading.h"
#include "sync/schema/row_codec.h"

namespace rotv::capture {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kCopyBufferBytes = size_t{12} << 20;
constexpr auto kPatience = std::chrono::minutes(10);
constexpr auto kRetryPause = std::chrono::milliseconds(500);

struct Item {
  const proto::Table* table = nullptr;
  const proto::Shape* shape = nullptr;
  int64_t size = 0;
  proto::TableHistory* history = nullptr;
  EpochNumber epoch = 0;  // Each attempt writes an epoch of its own, so that rows of an aborted one are never seen.
};

// The state that the workers share.
class Work {
 public:
  Work(const CopyRequest& request, const ShapeMap& shapes, proto::Manifest* manifest) : last_progress_(Clock::now()) {
    std::map<uint32_t, int64_t> sizes;
    for (const postgres::CatalogTable& table : request.catalog.tables) sizes[table.oid] = table.bytes;
    std::map<uint32_t, proto::TableHistory*> histories;
    for (proto::TableHistory& history : *manifest->mutable_tables()) histories[history.table()] = &history;
    for (const proto::Table& table : request.schema.tables()) {
      if (request.tables.count(table.id()) == 0) continue;
      proto::TableHistory*& history = histories[table.id()];
      if (history == nullptr) history = &HistoryOf(*manifest, table.id());
      waiting_.push_back(
          {.table = &table, .shape = &shapes.Get(table.shape()), .size = sizes[table.id()], .history = history});
    }
    total_ = std::accumulate(waiting_.begin(), waiting_.end(), int64_t{0},
                             [](int64_t sum, const Item& item) { return sum + item.size; });
    std::stable_sort(waiting_.begin(), waiting_.end(), [](const Item& a, const Item& b) { return a.size > b.size; });
    left_ = waiting_.size();
  }

  size_t size() const { return left_; }
  int64_t total_bytes() const { return total_; }

  // Returns the next table; nothing when all are done or the work has ended early.
  std::optional<Item> Take() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return ended_ || left_ == 0 || !waiting_.empty(); });
    if (ended_ || left_ == 0) return std::nullopt;
    Item item = waiting_.front();
    waiting_.pop_front();
    item.epoch = item.history->last_number() + 1;
    item.history->set_last_number(item.epoch);
    return item;
  }

  void Done(const Item& item, Lsn lsn, const CopyCounts& counts) {
    std::lock_guard lock(mutex_);
    proto::Epoch* epoch = item.history->add_epochs();
    epoch->set_number(item.epoch);
    epoch->set_start_lsn(lsn.value() - 1);
    // Large-object chunks belong to no table; they are not counted as rows.
    if (item.table->id() != postgres::kLargeObjectTable) counts_.rows += counts.rows;
    counts_.bytes += counts.bytes;
    last_progress_ = Clock::now();
    --left_;
    changed_.notify_all();
  }

  // Puts the table after all others. Throws if no table has made progress for long.
  void TryLater(Item item, const std::string& why) {
    std::unique_lock lock(mutex_);
    if (Clock::now() - last_progress_ > kPatience) {
      throw Error(ErrorCode::kUnreachable,
                  fmt::format("{} could not be read for ten minutes: {}", item.table->quoted_name(), why),
                  "find the session that holds a lock on it (SELECT * FROM pg_locks), then try again");
    }
    waiting_.push_back(item);
    changed_.notify_all();
    changed_.wait_for(lock, kRetryPause, [this] { return ended_; });
  }

  void EndMoved(const Item& item) {
    std::lock_guard lock(mutex_);
    moved_ = ended_ = true;
    moved_table_ = item.table->quoted_name();
    changed_.notify_all();
  }
  void EndFailed(const std::exception_ptr& error) {
    std::lock_guard lock(mutex_);
    if (!error_) error_ = error;
    ended_ = true;
    changed_.notify_all();
  }

  bool ended() {
    std::lock_guard lock(mutex_);
    return ended_;
  }
  void Rethrow() const {
    if (error_) std::rethrow_exception(error_);
  }
  bool moved() const { return moved_; }
  const std::string& moved_table() const { return moved_table_; }
  const CopyCounts& counts() const { return counts_; }

  std::atomic<uint64_t> bytes_so_far{0};

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Item> waiting_;
  size_t left_ = 0;
  int64_t total_ = 0;
  CopyCounts counts_;
  Clock::time_point last_progress_;
  bool ended_ = false;
  bool moved_ = false;
  std::string moved_table_;
  std::exception_ptr error_;
};

class Worker {
 public:
  Worker(postgres::SourceSession& session, RowStore& store, const CopyRequest& request, Work& work)
      : session_(session), store_(store), request_(request), work_(work) {}

  void Run() {
    try {
      connection_ = session_.Connect(postgres::PgConnection::Kind::kOrdinary);
      while (std::optional<Item> item = work_.Take()) Copy(*item);
      WriteRows();
    } catch (...) {
      work_.EndFailed(std::current_exception());
    }
  }

 private:
  // Returns one string of statements, so that a table costs one round trip.
  std::string Statements(const Item& item) const {
    std::string begin = postgres::BeginReadingSql(*connection_, *item.table, request_.snapshot);
    bool large_objects = item.table->id() == postgres::kLargeObjectTable;
    std::string what = large_objects ? fmt::format("({})", postgres::LargeObjectRowsSql()) : WhatToCopy(*item.table);
    return fmt::format("{}COPY {} TO STDOUT; COMMIT", begin, what);
  }

  static std::string WhatToCopy(const proto::Table& table) {
    const std::string& columns = table.copy_columns();
    if (table.filter().empty()) return fmt::format("{} {}", table.quoted_name(), columns);
    std::string list = columns.empty() ? "" : columns.substr(1, columns.size() - 2);  // Without its parentheses.
    return fmt::format("(SELECT {} FROM ONLY {}{})", list, table.quoted_name(), table.filter());
  }

  void Copy(const Item& item) {
    session_.context().progress.Detail(item.table->quoted_name());
    postgres::PgOutcome start = connection_->StartCopyOut(Statements(item));
    if (start.failure) return GiveUp(item, *start.failure);
    const postgres::PgResult& check = start.results.back();
    if (check.rows() != 1 || !check.Bool(0, 0)) {
      connection_->Cancel();
      while (connection_->CopyRow()) {
      }
      (void)connection_->FinishCopy();
      return work_.EndMoved(item);
    }
    CopyCounts counts = ReceiveRows(item);
    if (std::optional<postgres::PgFailure> failure = connection_->FinishCopy()) return GiveUp(item, *failure);
    if (work_.ended()) return;
    work_.Done(item, request_.lsn, counts);
  }

  void GiveUp(const Item& item, const postgres::PgFailure& failure) {
    (void)connection_->TryQuery("ROLLBACK");
    if (postgres::IsForMovedTable(failure)) return work_.EndMoved(item);
    if (postgres::IsForBusyTable(failure)) {
      session_.context().progress.Note(
          fmt::format("will try {} again later: {}", item.table->quoted_name(), failure.message));
      WriteRows();  // Buffered rows of the epoch would otherwise be written after it was dropped.
      store_.DropEpoch(item.table->id(), item.epoch);
      return work_.TryLater(item, failure.message);
    }
    connection_->Throw(failure);
  }

  CopyCounts ReceiveRows(const Item& item) {
    const formats::RowCheck check({.table = item.table->quoted_name(),
                                   .columns = static_cast<size_t>(item.shape->columns_size()),
                                   .encoding = formats::EncodingNamed(connection_->Parameter("server_encoding"))});
    schema::RowCodec codec(*item.table, *item.shape);
    mask::RowFilter filter(*item.table, *item.shape);
    mask::RowMask mask(*item.table, *item.shape, request_.mask_secret);
    const mask::RowSample sample(*item.table, request_.mask_secret);
    std::unique_ptr<VersionBuffer>& buffer = codec.is_multiset() ? multiset_rows_ : rows_;
    CopyCounts counts;
    uint64_t reported = 0;
    std::string key;
    std::string found_bytes;
    while (std::optional<std::string_view> row = connection_->CopyRow()) {
      const std::string_view real = check.Message(*row);
      if (!filter.empty() && filter.Line(real) != mask::RowFilter::Verdict::kYes) continue;
      std::string_view line = mask.Line(real);
      codec.KeyOfLine(line, &key);
      if (!sample.Keeps(key)) continue;
      uint32_t count = 1;
      if (codec.is_multiset())
        count += CountOf(*buffer, EncodeRowPrefix(item.table->id(), item.epoch, key), &found_bytes);
      buffer->Put(
          {.table = item.table->id(), .epoch = item.epoch, .row_key = key, .commit_lsn = Lsn(request_.lsn.value() - 1)},
          {.kind = RowVersion::Kind::kRow, .shape = item.shape->id(), .count = count, .text = line});
      ++counts.rows;
      counts.bytes += row->size();
      if (counts.bytes - reported > (size_t{256} << 10)) {
        session_.context().progress.Update(work_.bytes_so_far += counts.bytes - reported);
        reported = counts.bytes;
        if (work_.ended()) connection_->Cancel();
      }
      if (rows_->bytes() + multiset_rows_->bytes() >= kCopyBufferBytes) WriteRows();
    }
    session_.context().progress.Update(work_.bytes_so_far += counts.bytes - reported);
    return counts;
  }

  void WriteRows() {
    store_.Write(*rows_);
    store_.Write(*multiset_rows_);
    rows_ = std::make_unique<VersionBuffer>(VersionBuffer::Index::kNone);
    multiset_rows_ = std::make_unique<VersionBuffer>(VersionBuffer::Index::kNewest);
  }

  // Returns how many equal rows have come before.
  uint32_t CountOf(const VersionBuffer& buffer, const std::string& prefix, std::string* bytes) {
    std::optional<VersionBuffer::Found> found = buffer.Newest(prefix);
    if (!found) found = store_.Newest(prefix, bytes);
    return found ? found->version.count : 0;
  }

  postgres::SourceSession& session_;
  RowStore& store_;
  const CopyRequest& request_;
  Work& work_;
  std::unique_ptr<postgres::PgConnection> connection_;
  // The buffers hold rows of several tables: with a file for each of thousands of small tables, adding a file would
  // take ever longer.
  std::unique_ptr<VersionBuffer> rows_ = std::make_unique<VersionBuffer>(VersionBuffer::Index::kNone);
  std::unique_ptr<VersionBuffer> multiset_rows_ = std::make_unique<VersionBuffer>(VersionBuffer::Index::kNewest);
};

}  // namespace

CopyEnd CopyTables(postgres::SourceSession& session, RowStore& store, const CopyRequest& request,
                   proto::Manifest* manifest, CopyCounts* counts) {
  Work work(request, store.shapes(), manifest);
  if (work.size() == 0) return CopyEnd::kComplete;
  session.context().progress.Begin("copying rows", Progress::Unit::kBytes, static_cast<uint64_t>(work.total_bytes()));
  std::vector<std::thread> threads;
  size_t connections = std::min(kMostCopyConnections, work.size());
  for (size_t i = 0; i < connections; ++i) {
    threads.emplace_back([&] { Worker(session, store, request, work).Run(); });
  }
  for (std::thread& thread : threads) thread.join();
  session.context().progress.End();
  work.Rethrow();
  *counts = work.counts();
  if (!work.moved()) return CopyEnd::kComplete;
  session.context().progress.Note(fmt::format("{} changed on the source while it was copied", work.moved_table()));
  return CopyEnd::kTableMoved;
}

}  // namespace rotv::capture
