#include "sync/snapshot_transfer.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <set>

#include "os/clock.h"
#include "storage/epochs.h"
#include "storage/error.h"
#include "storage/row_store.h"
#include "storage/source_removal.h"
#include "sync/context/open_workspace.h"
#include "sync/formats/row_check.h"
#include "sync/history/point.h"
#include "sync/history/snapshot_file.h"
#include "sync/schema/follow.h"
#include "sync/schema/schema_check.h"

namespace rotv {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kRecordBytes = size_t{1} << 20;
constexpr size_t kBufferBytes = size_t{8} << 20;

// Export.

class Exporter {
 public:
  Exporter(const RowStore& store, Lsn lsn, history::SnapshotFileWriter& file, const Context& context)
      : store_(store), lsn_(lsn), file_(file), context_(context), epochs_(EpochsAt(store.manifest(), lsn)) {}

  // Returns the number of rows.
  uint64_t Run(const proto::Snapshot& snapshot) {
    const proto::SchemaVersion schema = store_.SchemaAt(lsn_);
    WriteHead(snapshot, schema);
    for (const proto::Table& table : schema.tables()) {
      if (schema::HasRows(table)) WriteRows(table);
    }
    proto::SnapshotRecord record;
    record.mutable_end()->set_rows(rows_);
    file_.Write(record);
    return rows_;
  }

 private:
  void WriteHead(const proto::Snapshot& snapshot, const proto::SchemaVersion& schema) {
    proto::SnapshotRecord record;
    proto::SnapshotHead* head = record.mutable_head();
    head->set_format(history::kSnapshotFileFormat);
    head->set_source(context_.source.name);
    *head->mutable_snapshot() = snapshot;
    *head->mutable_identity() = store_.manifest().source();
    head->set_description(store_.manifest().description());
    *head->mutable_schema() = schema;
    *head->mutable_sequences() = store_.SequencesAt(lsn_);
    for (const proto::Table& table : schema.tables()) {
      if (schema::HasRows(table)) *head->add_shapes() = store_.shapes().Get(table.shape());
    }
    file_.Write(record);
  }

  void WriteRows(const proto::Table& table) {
    context_.progress.Detail(table.quoted_name());
    std::unique_ptr<RowScan> scan = store_.ScanAt({.table = table.id(),
                                                   .epoch = EpochOf(epochs_, table, lsn_),
                                                   .lsn = lsn_,
                                                   .range = {},
                                                   .shape = table.shape()});
    proto::SnapshotRecord record;
    size_t bytes = 0;
    auto flush = [&] {
      context_.interrupt.Check();
      if (record.rows().rows_size() > 0) file_.Write(record);
      context_.progress.Update(rows_);
      record.Clear();
      record.mutable_rows()->set_table(table.id());
      bytes = 0;
    };
    flush();
    while (scan->Next()) {
      ++rows_;
      auto* rows = record.mutable_rows()->mutable_rows();
      if (!rows->empty() && rows->rbegin()->key() == scan->row_key()) {
        rows->rbegin()->set_count(rows->rbegin()->count() + 1);
        continue;
      }
      // The record ends here, before the row, so that equal rows stay together.
      if (bytes > kRecordBytes) flush();
      proto::SnapshotRow* row = record.mutable_rows()->add_rows();
      row->set_key(std::string(scan->row_key()));
      row->set_line(std::string(scan->line()));
      row->set_count(1);
      bytes += row->key().size() + row->line().size();
    }
    flush();
  }

  const RowStore& store_;
  const Lsn lsn_;
  history::SnapshotFileWriter& file_;
  const Context& context_;
  const std::map<TableId, EpochNumber> epochs_;
  uint64_t rows_ = 0;
};

// Import.

class Importer {
 public:
  Importer(history::SnapshotFileReader& file, const proto::SnapshotHead& head, RowStore& store, Progress& progress,
           const Interrupt& interrupt)
      : file_(file), head_(head), store_(store), progress_(progress), interrupt_(interrupt) {}

  // Throws kCorrupt if the file contains what no export writes.
  uint64_t Run() {
    try {
      return Import();
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kProtocol) throw;
      throw Error(ErrorCode::kCorrupt, fmt::format("the snapshot's file is damaged: {}", error.what()),
                  "nothing was imported; ask for another file");
    }
  }

 private:
  struct Known {
    uint32_t shape = 0;
    bool is_multiset = false;
    EpochNumber epoch = 0;
    formats::RowCheck check;
    std::optional<std::string> last_key = {};  // An export writes the rows of a table in the order of their keys.
  };

  uint64_t Import() {
    Describe();
    proto::SnapshotRecord record;
    bool complete = false;
    while (file_.Next(&record)) {
      interrupt_.Check();
      progress_.Update(file_.bytes_read());
      if (complete || record.has_head()) ThrowDamaged();
      if (record.has_rows()) Take(record.rows());
      complete = record.has_end();
      if (complete && record.end().rows() != rows_) ThrowDamaged();
    }
    if (!complete) ThrowDamaged();
    Flush();
    RowStore::Addition addition;
    addition.schema = {state_.head_lsn(), head_.schema()};
    addition.sequences = {state_.head_lsn(), head_.sequences()};
    store_.Publish(state_, addition);
    return rows_;
  }

  // The whole history is one point, which is its baseline and its head.
  void Describe() {
    const proto::Snapshot& snapshot = head_.snapshot();
    if (snapshot.lsn() == 0) ThrowDamaged();
    schema::CheckStoredSchema(head_.schema());
    state_ = StoreState::Imported({.source = head_.identity(),
                                   .description = fmt::format("snapshot {} of {}, imported ({})", snapshot.name(),
                                                              head_.source(), head_.description())},
                                  Lsn(snapshot.lsn()), snapshot.time_us());
    const std::map<uint32_t, const proto::Shape*> shapes = Shapes();
    const formats::TextEncoding encoding = formats::EncodingNamed(head_.identity().encoding());
    for (const proto::Table& table : head_.schema().tables()) {
      if (!schema::HasRows(table)) continue;
      auto shape = shapes.find(table.shape());
      if (shape == shapes.end() || !Fit(table, *shape->second)) ThrowDamaged();
      formats::RowCheck check({.table = table.quoted_name(),
                               .columns = static_cast<size_t>(shape->second->columns_size()),
                               .encoding = encoding});
      const EpochNumber epoch = state_.ReserveEpoch(table.id());
      state_.AddEpoch(table.id(), epoch, RowLsn());
      Known known{
          .shape = table.shape(), .is_multiset = schema::IsMultiset(table), .epoch = epoch, .check = std::move(check)};
      if (!tables_.emplace(table.id(), std::move(known)).second) ThrowDamaged();
    }
    store_.Publish(state_, {.schema = {}, .sequences = {}, .shapes = {head_.shapes().begin(), head_.shapes().end()}});
  }

  std::map<uint32_t, const proto::Shape*> Shapes() const {
    std::map<uint32_t, const proto::Shape*> shapes;
    for (const proto::Shape& shape : head_.shapes()) {
      if (shape.id() == 0 || !shapes.emplace(shape.id(), &shape).second) ThrowDamaged();
      // This value is read into rows that are older than the column.
      const formats::RowCheck field(
          {.table = "a table", .columns = 1, .encoding = formats::EncodingNamed(head_.identity().encoding())});
      for (const proto::Column& column : shape.columns()) {
        if (column.has_missing()) field.Line(column.missing());
      }
    }
    return shapes;
  }

  static bool Fit(const proto::Table& table, const proto::Shape& shape) {
    auto is_column = [&](uint32_t column) { return column < static_cast<uint32_t>(shape.columns_size()); };
    return shape.table() == table.id() && table.key_columns_size() == table.key_is_integer_size() &&
           std::all_of(table.key_columns().begin(), table.key_columns().end(), is_column);
  }

  // Returns the commit LSN of the rows, like those of a baseline: the state at the snapshot's LSN has them, and none
  // before it.
  Lsn RowLsn() const { return Lsn(head_.snapshot().lsn() - 1); }

  void Take(const proto::SnapshotRows& rows) {
    auto found = tables_.find(rows.table());
    if (found == tables_.end()) ThrowDamaged();
    Known& table = found->second;
    for (const proto::SnapshotRow& row : rows.rows()) {
      table.check.Line(row.line());
      if (table.last_key && row.key() <= *table.last_key) ThrowOutOfOrder();
      table.last_key = row.key();
      if (row.count() == 0 || (row.count() > 1 && !table.is_multiset)) ThrowDamaged();
      buffer_->Put({.table = rows.table(), .epoch = table.epoch, .row_key = row.key(), .commit_lsn = RowLsn()},
                   {.kind = RowVersion::Kind::kRow, .shape = table.shape, .count = row.count(), .text = row.line()});
      rows_ += row.count();
    }
    if (buffer_->bytes() >= kBufferBytes) Flush();
  }

  void Flush() {
    store_.Write(*buffer_);
    buffer_ = std::make_unique<VersionBuffer>(VersionBuffer::Index::kNone);
  }

  [[noreturn]] static void ThrowDamaged() {
    throw Error(ErrorCode::kCorrupt, "the snapshot's file is damaged: its parts do not belong together",
                "copy or export it again");
  }

  [[noreturn]] static void ThrowOutOfOrder() {
    throw Error(ErrorCode::kCorrupt, "the snapshot's file is damaged: its rows are not in the order of their keys",
                "copy or export it again");
  }

  history::SnapshotFileReader& file_;
  const proto::SnapshotHead& head_;
  RowStore& store_;
  Progress& progress_;
  const Interrupt& interrupt_;
  StoreState state_;
  std::map<TableId, Known> tables_;
  std::unique_ptr<VersionBuffer> buffer_ = std::make_unique<VersionBuffer>(VersionBuffer::Index::kNone);
  uint64_t rows_ = 0;
};

void CheckName(const std::string& name, const ImportRequest& request, const std::filesystem::path& home) {
  const char* hint = "choose another: rotv-sync snapshot import FILE --as NAME";
  if (!IsSourceName(name)) {
    throw Error(ErrorCode::kUsage, fmt::format("\"{}\" cannot be the name of a source", name), hint);
  }
  std::optional<proto::CurrentStore> current = ReadCurrent(home, name);
  if (request.is_taken(name) || (current && !current->imported())) {
    throw Error(ErrorCode::kUsage, fmt::format("there is a source {} already", name), hint);
  }
}

// Returns the number of rows. A failure leaves the source as it was, but for an empty directory.
uint64_t ImportInto(const std::filesystem::path& home, const std::string& source, history::SnapshotFileReader& file,
                    const proto::SnapshotHead& head, Progress& progress, const Interrupt& interrupt) {
  Workspace workspace(home, source, "snapshot import");
  const std::filesystem::path path =
      workspace.MakeStoreDirectory(fmt::format("import-{}", Clock::now().time_since_epoch().count()));
  uint64_t rows = 0;
  try {
    const std::unique_ptr<RowStore> store = RowStore::Open(path, RowStore::Mode::kCreate);
    rows = Importer(file, head, *store, progress, interrupt).Run();
  } catch (...) {
    std::error_code ignored;  // What stays is removed by the next run.
    std::filesystem::remove_all(path, ignored);
    throw;
  }
  workspace.SetImported(path);
  return rows;
}

}  // namespace

ExportResult ExportSnapshot(const Context& context, const ExportRequest& request) {
  Clock::time_point start = Clock::now();
  Workspace workspace = OpenWorkspace(context, "snapshot export", Access::kRead);
  auto [store, point] = history::OpenPoint(workspace, request.snapshot);
  proto::Snapshot snapshot;
  snapshot.set_name(history::NameOfPoint(request.snapshot, point.lsn));
  snapshot.set_lsn(point.lsn.value());
  snapshot.set_time_us(point.time_us);
  std::optional<SigningKey> key;
  if (request.signing == Signing::kOwnKey) key = ReadSigningKey(context.home);
  history::SnapshotFileWriter writer(request.file, key ? &*key : nullptr);
  context.progress.Begin("exporting rows", Progress::Unit::kRows, 0);
  ExportResult result{.lsn = point.lsn, .time_us = point.time_us};
  result.rows = Exporter(*store, point.lsn, writer, context).Run(snapshot);
  writer.Commit();
  context.progress.End();
  if (key) result.public_key = PublicKeyText(key->public_key);
  if (!key && writer.largest_record() > history::kLargestUnsignedRecord) {
    context.progress.Warn(
        fmt::format("the file holds a row of {} MiB: without a signature it cannot be imported; add --sign",
                    writer.largest_record() >> 20));
  }
  std::error_code no_file;
  uint64_t bytes = std::filesystem::file_size(request.file, no_file);
  if (!no_file) result.bytes = bytes;
  result.seconds = os::SecondsSince(start);
  return result;
}

ImportResult ImportSnapshot(const std::filesystem::path& home, const ImportRequest& request, Progress& progress,
                            const Interrupt& interrupt) {
  Clock::time_point start = Clock::now();
  history::SnapshotFileReader file(request.file, request.verify ? &*request.verify : nullptr);
  proto::SnapshotRecord record;
  file.Next(&record);
  const proto::SnapshotHead& head = record.head();
  ImportResult result{
      .source = request.as.empty() ? fmt::format("{}-{}", head.source(), head.snapshot().name()) : request.as,
      .exported_source = head.source(),
      .exported_name = head.snapshot().name(),
      .lsn = Lsn(head.snapshot().lsn()),
      .time_us = head.snapshot().time_us()};
  CheckName(result.source, request, home);
  RemoveEmptySources(home);  // Of imports that were killed.
  try {
    std::error_code no_file;
    progress.Begin("importing", Progress::Unit::kBytes, std::filesystem::file_size(request.file, no_file));
    result.rows = ImportInto(home, result.source, file, head, progress, interrupt);
  } catch (...) {
    RemoveEmptySources(home);
    throw;
  }
  progress.End();
  result.seconds = os::SecondsSince(start);
  return result;
}

}  // namespace rotv
