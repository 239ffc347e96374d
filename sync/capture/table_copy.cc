#include "sync/capture/table_copy.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <deque>
#include <map>
#include <numeric>
#include <utility>
#include <vector>

#include "storage/run_sorter.h"
#include "sync/formats/row_check.h"
#include "sync/mask/row_filter.h"
#include "sync/mask/row_mask.h"
#include "sync/mask/row_sample.h"
#include "sync/postgres/large_objects.h"
#include "sync/postgres/locked_reading.h"
#include "sync/postgres/table_queue.h"
#include "sync/schema/row_codec.h"

namespace rotv::capture {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kCopyBufferBytes = size_t{12} << 20;
// A complete table's rows are in a worker's buffer until that is written. It is written after this time, and before a
// table of this size: many small tables share a file, and few have to be copied again after a kill.
constexpr std::chrono::seconds kLongestInBuffer{1};
constexpr int64_t kLargeTable = int64_t{1} << 20;

struct Item {
  const proto::Table* table = nullptr;
  const proto::Shape* shape = nullptr;
  int64_t size = 0;
  EpochNumber epoch = 0;  // Each attempt writes an epoch of its own, so that rows of an aborted one are never seen.
};

// Returns the tables of the request, the largest first, so that no large one is left for one worker at the end.
std::deque<Item> ItemsOf(const CopyRequest& request, const ShapeMap& shapes) {
  std::map<uint32_t, int64_t> sizes;
  for (const postgres::CatalogTable& table : request.catalog.tables) sizes[table.oid] = table.bytes;
  std::deque<Item> items;
  for (const proto::Table& table : request.schema.tables()) {
    if (request.tables.count(table.id()) == 0) continue;
    items.push_back({.table = &table, .shape = &shapes.Get(table.shape()), .size = sizes[table.id()]});
  }
  std::stable_sort(items.begin(), items.end(), [](const Item& a, const Item& b) { return a.size > b.size; });
  return items;
}

// A table whose copy is complete.
struct CopiedTable {
  Item item;
  StoreState::Copied copied;
};

// The state that the workers share.
class Work : public postgres::TableQueue<Item> {
 public:
  Work(postgres::SourceSession& session, std::deque<Item> items, StoreState* state, CopyCounts* counts)
      : TableQueue(session, std::move(items)), state_(*state), counts_(*counts) {}

  std::optional<Item> Take() {
    std::optional<Item> item = TableQueue::Take();
    std::lock_guard lock(mutex_);
    if (item) item->epoch = state_.ReserveEpoch(item->table->id());
    return item;
  }

  void Done(const Item& item, const CopyRequest& request, const CopyCounts& counts) {
    Finish([&] {
      if (request.unchanged) return;
      state_.AddEpoch(item.table->id(), item.epoch, Lsn(request.lsn.value() - 1));
      Count(*item.table, counts.rows, counts.bytes);
    });
  }

  void EndMoved(const Item& item) {
    Finish([&] { moved_ = item.table->quoted_name(); });
    End();
  }

  // Says that all rows of these tables are on disk.
  void AddStored(std::vector<CopiedTable> tables) {
    std::lock_guard lock(mutex_);
    stored_.insert(stored_.end(), tables.begin(), tables.end());
  }

  // Publishes the tables that are on disk as complete. COPY looks names up in the catalogue as it is now: what was
  // copied after the schema has changed may be something else.
  void PublishStored(RowStore& store, const CopyRequest& request, Progress& progress) {
    std::vector<CopiedTable> stored;
    {
      std::lock_guard lock(mutex_);
      stored.swap(stored_);
    }
    if (stored.empty()) return;
    if (!request.unchanged()) {
      std::lock_guard lock(mutex_);
      moved_ = "the schema";
    } else {
      store.Publish(StateWith(stored), {});
      for (const CopiedTable& table : stored) progress.Note("complete: " + table.item.table->quoted_name());
      return;
    }
    End();
  }

  // Once the work has ended. What has changed on the source; empty if nothing has.
  const std::string& moved() const { return moved_; }

  std::atomic<uint64_t> bytes_so_far{0};

 private:
  StoreState StateWith(const std::vector<CopiedTable>& complete) {
    std::lock_guard lock(mutex_);
    for (const CopiedTable& table : complete) {
      state_.CompleteTable(table.item.table->id(), table.item.epoch, table.copied);
      Count(*table.item.table, table.copied.rows, table.copied.bytes);
    }
    return state_;
  }

  void Count(const proto::Table& table, uint64_t rows, uint64_t bytes) {
    // Large-object chunks belong to no table; they are not counted as rows.
    if (table.id() != postgres::kLargeObjectTable) counts_.rows += rows;
    counts_.bytes += bytes;
  }

  StoreState& state_;  // Under the mutex, like all of these.
  CopyCounts& counts_;
  std::vector<CopiedTable> stored_;
  std::string moved_;
};

class Worker {
 public:
  Worker(postgres::PgConnection& connection, const Context& context, RowStore& store, const CopyRequest& request,
         Work& work)
      : connection_(connection),
        progress_(context.progress),
        interrupt_(context.interrupt),
        store_(store),
        request_(request),
        work_(work) {}

  void Run() {
    while (std::optional<Item> item = TakeNext()) Copy(*item);
    WriteRows();
  }

 private:
  std::optional<Item> TakeNext() {
    // While this worker waits for a table that is busy, or reads a large one, its complete tables must not wait.
    if (!complete_.empty() && work_.NothingWaits()) WriteRows();
    std::optional<Item> item = work_.Take();
    // Its rows may sort before those that were copied: the sorter begins again, else all of them would be late.
    if (item && item->size >= kLargeTable) WriteRows();
    return item;
  }

  // Returns one string of statements, so that a table costs one round trip.
  std::string Statements(const Item& item) const {
    std::string begin = postgres::BeginReadingSql(connection_, *item.table, request_.snapshot);
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
    progress_.Detail(item.table->quoted_name());
    postgres::PgOutcome start = connection_.StartCopyOut(Statements(item));
    if (start.failure) return GiveUp(item, *start.failure);
    const postgres::PgResult& check = start.results.back();
    if (check.rows() != 1 || !check.Bool(0, 0)) {
      connection_.Cancel();
      while (connection_.CopyRow()) {
      }
      (void)connection_.FinishCopy();
      return work_.EndMoved(item);
    }
    CopyCounts counts = ReceiveRows(item);
    if (std::optional<postgres::PgFailure> failure = connection_.FinishCopy()) return GiveUp(item, *failure);
    if (work_.ended()) return;
    work_.Done(item, request_, counts);
    if (!request_.unchanged) return;
    complete_.push_back({.item = item, .copied = {.rows = counts.rows, .bytes = counts.bytes}});
    if (Clock::now() - written_ > kLongestInBuffer) WriteRows();
  }

  void GiveUp(const Item& item, const postgres::PgFailure& failure) {
    (void)connection_.TryQuery("ROLLBACK");
    if (postgres::IsForMovedTable(failure)) return work_.EndMoved(item);
    if (!postgres::IsForBusyTable(failure)) connection_.Throw(failure);
    WriteRows();  // Rows of the epoch would otherwise be written after it was dropped.
    store_.DropEpoch(item.table->id(), item.epoch);
    work_.TryLater(item, *item.table, failure);
  }

  CopyCounts ReceiveRows(const Item& item) {
    const formats::RowCheck check({.table = item.table->quoted_name(),
                                   .columns = static_cast<size_t>(item.shape->columns_size()),
                                   .encoding = formats::EncodingNamed(connection_.Parameter("server_encoding"))});
    schema::RowCodec codec(*item.table, *item.shape);
    mask::RowFilter filter(*item.table, *item.shape);
    mask::RowMask mask(*item.table, *item.shape, request_.mask_secret);
    const mask::RowSample sample(*item.table, request_.mask_secret);
    std::unique_ptr<VersionBuffer>& buffer = codec.is_multiset() ? multiset_rows_ : rows_;
    CopyCounts counts;
    uint64_t reported = 0;
    std::string key;
    std::string found_bytes;
    while (std::optional<std::string_view> row = connection_.CopyRow()) {
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
        progress_.Update(work_.bytes_so_far += counts.bytes - reported);
        reported = counts.bytes;
        if (work_.ended()) connection_.Cancel();
      }
      if (rows_->bytes() + multiset_rows_->bytes() >= kCopyBufferBytes) WriteFullBuffers();
    }
    progress_.Update(work_.bytes_so_far += counts.bytes - reported);
    return counts;
  }

  // In the middle of a table, of which rows may come in any order.
  void WriteFullBuffers() {
    const std::optional<TableId> twice =
        sorter_.Add(std::exchange(rows_, std::make_unique<VersionBuffer>(VersionBuffer::Index::kNone)));
    if (twice) ThrowTwins(*twice);
    store_.Write(*multiset_rows_);
    multiset_rows_ = std::make_unique<VersionBuffer>(VersionBuffer::Index::kNewest);
  }

  // On return all rows are in the store, unless nobody needs them any more.
  void WriteRows() {
    if (work_.ended() && complete_.empty()) return;
    WriteFullBuffers();
    if (const std::optional<TableId> twice = sorter_.Finish([this] { interrupt_.Check(); })) ThrowTwins(*twice);
    written_ = Clock::now();
    if (!complete_.empty()) work_.AddStored(std::exchange(complete_, {}));
  }

  // The source's unique index is damaged: a server does not send two rows with one key otherwise.
  [[noreturn]] void ThrowTwins(TableId id) const {
    for (const proto::Table& table : request_.schema.tables()) {
      if (table.id() != id) continue;
      throw Error(
          ErrorCode::kProtocol,
          fmt::format("the source sent two rows of {} with the same key: the unique index of its key is damaged",
                      table.quoted_name()),
          fmt::format("on the source, REINDEX TABLE {}; names the key: delete the surplus row there, then run the "
                      "same command again",
                      table.quoted_name()));
    }
    throw Error(ErrorCode::kBug, "two rows of a large object have the same key");
  }

  // Returns how many equal rows have come before.
  uint32_t CountOf(const VersionBuffer& buffer, const std::string& prefix, std::string* bytes) {
    std::optional<VersionBuffer::Found> found = buffer.Newest(prefix);
    if (!found) found = store_.Newest(prefix, bytes);
    return found ? found->version.count : 0;
  }

  postgres::PgConnection& connection_;
  Progress& progress_;
  const Interrupt& interrupt_;
  RowStore& store_;
  const CopyRequest& request_;
  Work& work_;
  // The buffers hold rows of several tables: with a file for each of thousands of small tables, adding a file would
  // take ever longer.
  std::unique_ptr<VersionBuffer> rows_ = std::make_unique<VersionBuffer>(VersionBuffer::Index::kNone);
  std::unique_ptr<VersionBuffer> multiset_rows_ = std::make_unique<VersionBuffer>(VersionBuffer::Index::kNewest);
  RunSorter sorter_{store_};
  std::vector<CopiedTable> complete_;  // Tables whose last rows may be in the buffers or the sorter.
  Clock::time_point written_ = Clock::now();
};

}  // namespace

CopyEnd CopyTables(postgres::SourceSession& session, RowStore& store, const CopyRequest& request, StoreState* state,
                   CopyCounts* counts) {
  Progress& progress = session.context().progress;
  std::deque<Item> items = ItemsOf(request, store.shapes());
  if (items.empty()) return CopyEnd::kComplete;
  const size_t tables = items.size();
  const int64_t bytes = std::accumulate(items.begin(), items.end(), int64_t{0},
                                        [](int64_t sum, const Item& item) { return sum + item.size; });
  Work work(session, std::move(items), state, counts);
  progress.Begin("copying rows", Progress::Unit::kBytes, static_cast<uint64_t>(bytes));
  const auto publish = [&] {
    if (request.unchanged) work.PublishStored(store, request, progress);
  };
  try {
    work.Run(
        tables,
        [&](postgres::PgConnection& connection) { Worker(connection, session.context(), store, request, work).Run(); },
        publish);
  } catch (...) {
    try {
      publish();  // What is in the store need not be copied again, if the source can still be asked.
    } catch (const Error&) {
    }
    throw;
  }
  publish();
  if (work.moved().empty()) return CopyEnd::kComplete;
  progress.Note(fmt::format("{} changed on the source while rows were copied", work.moved()));
  return CopyEnd::kTableMoved;
}

}  // namespace rotv::capture
