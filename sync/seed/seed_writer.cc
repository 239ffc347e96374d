#include "sync/seed/seed_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <exception>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "storage/epochs.h"
#include "storage/error.h"
#include "sync/formats/clean_part.h"
#include "sync/formats/dump_text.h"
#include "sync/formats/not_valid_keys.h"
#include "sync/postgres/large_objects.h"
#include "sync/schema/schema_check.h"
#include "sync/seed/large_object_writer.h"
#include "sync/seed/table_order.h"

namespace rotv::seed {

// A seed is one stream of text whose order is pg_dump's, but reading rows (finding versions, unpacking blocks,
// completing partial rows) is most of the work. So tables are split into parts, which are ranges of keys; some threads
// read parts ahead, and the calling thread writes their pieces in order. Memory is bounded by the parts that may be
// open and the pieces that they may hold, each and together; pieces that were written are used again.
//
// Invariant: without a restrict key, two seeds of one state are the same bytes, whatever the threads did.

namespace {

constexpr size_t kPieceBytes = size_t{1} << 20;
// One more than there are processors: now and then one of them waits for its turn.
constexpr size_t kMostReaders = 9;
size_t Readers() { return std::clamp<size_t>(std::thread::hardware_concurrency() + 1, 3, kMostReaders); }
// These limit how many pieces of one part may wait to be written, and how many parts are read ahead. A part (at most
// one file of the store) mostly fits into its pieces, so that the reader of the next part need not wait.
constexpr size_t kPiecesAhead = 20;
// All parts together; only the part that is being written may hold more.
constexpr size_t kPiecesTogether = 48;
constexpr size_t kPartsPerTable = 1 << 20;

// A range of one table's rows, which one thread reads and another one writes.
struct Part {
  size_t number = 0;
  ScanRequest scan;
  const subset::RowBits* chosen =
      nullptr;  // Of the table's rows, of which this part's begin at `first_row`; null: all.
  uint64_t first_row = 0;
  const std::string* lines = nullptr;  // What would be read, if it is known.

  std::deque<std::string> pieces;
  uint64_t rows = 0;
  bool complete = false;
};

class ReadAhead {
 public:
  ReadAhead(const RowStore& store, std::vector<std::unique_ptr<Part>>& parts) : store_(store), parts_(parts) {
    for (size_t i = 0; i < readers_; ++i) threads_.emplace_back([this] { Run(); });
  }
  ~ReadAhead() {
    {
      std::lock_guard lock(mutex_);
      stop_ = true;
    }
    room_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

  // Returns the next piece of the part at `at`; parts must be asked for in order. Returns nothing at its end. `used` is
  // the piece before, whose memory is used again: fresh memory costs more than what is copied into it.
  std::optional<std::string> Take(size_t at, std::string used) {
    std::unique_lock lock(mutex_);
    if (std::exchange(writing_, at) != at) room_.notify_all();
    if (used.capacity() >= kPieceBytes && used.capacity() <= 2 * kPieceBytes) spare_.push_back(std::move(used));
    Part& part = *parts_[at];
    read_.wait(lock, [&] { return error_ || !part.pieces.empty() || part.complete; });
    if (error_) std::rethrow_exception(error_);
    if (part.pieces.empty()) return std::nullopt;
    std::string piece = std::move(part.pieces.front());
    part.pieces.pop_front();
    --pieces_;
    room_.notify_all();
    return piece;
  }

 private:
  void Run() {
    try {
      while (Part* part = NextPart()) Read(*part);
    } catch (...) {
      std::lock_guard lock(mutex_);
      error_ = std::current_exception();
      stop_ = true;
      read_.notify_one();
      room_.notify_all();
    }
  }

  Part* NextPart() {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [this] { return stop_ || next_ == parts_.size() || next_ <= writing_ + readers_; });
    if (stop_ || next_ == parts_.size()) return nullptr;
    return parts_[next_++].get();
  }

  void Read(Part& part) {
    if (part.lines != nullptr) return PassOn(part);
    std::unique_ptr<RowScan> scan = store_.ScanAt(part.scan);
    std::string piece = NewPiece();
    uint64_t rows = 0;
    for (uint64_t row = part.first_row; AddLines(part, *scan, &row, &rows, &piece);) {
      if (piece.size() < kPieceBytes) continue;
      if (!HandOver(part, std::move(piece))) return;
      piece = NewPiece();
    }
    if (!piece.empty() && !HandOver(part, std::move(piece))) return;
    std::lock_guard lock(mutex_);
    part.rows = rows;
    part.complete = true;
    if (part.number == writing_) read_.notify_one();
  }

  // Adds the next lines, if they are wanted; false at the end. `*row` is the number of the next row, `*rows` that of
  // those that were added.
  static bool AddLines(const Part& part, RowScan& scan, uint64_t* row, uint64_t* rows, std::string* piece) {
    if (part.chosen == nullptr) {
      const RowScan::Lines lines = scan.NextLines();
      piece->append(lines.text);
      *rows += lines.rows;
      if (lines.rows > 0) return true;
    }
    if (!scan.Next()) return false;
    if (part.chosen != nullptr && !part.chosen->Has((*row)++)) return true;
    piece->append(scan.line());
    piece->push_back('\n');
    ++*rows;
    return true;
  }

  void PassOn(Part& part) {
    if (!HandOver(part, *part.lines)) return;
    std::lock_guard lock(mutex_);
    part.complete = true;
    if (part.number == writing_) read_.notify_one();
  }

  std::string NewPiece() {
    std::string piece;
    {
      std::lock_guard lock(mutex_);
      if (!spare_.empty()) {
        piece = std::move(spare_.back());
        spare_.pop_back();
      }
    }
    piece.clear();
    piece.reserve(kPieceBytes + kPieceBytes / 4);
    return piece;
  }

  bool HandOver(Part& part, std::string piece) {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [&] {
      const bool has_room = pieces_ < kPiecesTogether || (part.pieces.empty() && part.number == writing_);
      return stop_ || (part.pieces.size() < kPiecesAhead && has_room);
    });
    part.pieces.push_back(std::move(piece));
    ++pieces_;
    if (part.number == writing_) read_.notify_one();
    return !stop_;
  }

  const RowStore& store_;
  std::vector<std::unique_ptr<Part>>& parts_;
  std::mutex mutex_;
  std::condition_variable read_;  // For the thread that writes: its part has a piece, or is complete.
  std::condition_variable room_;  // For those that read: a piece was taken, or another part is being written.
  std::vector<std::string> spare_;
  const size_t readers_ = Readers();
  size_t pieces_ = 0;  // Of all parts.
  size_t next_ = 0;
  size_t writing_ = 0;
  bool stop_ = false;
  std::exception_ptr error_;
  std::vector<std::thread> threads_;
};

}  // namespace

std::string SetvalStatement(const proto::Sequence& sequence, const proto::SequenceValue& value, bool standard_strings) {
  return fmt::format("SELECT pg_catalog.setval({}, {}, {});\n",
                     formats::DumpLiteral(sequence.quoted_name(), standard_strings), value.last_value(),
                     value.is_called() ? "true" : "false");
}

namespace {

class SeedWriter {
 public:
  SeedWriter(const RowStore& store, Lsn lsn, const std::function<void(std::string_view)>& write, Progress& progress,
             const Interrupt& interrupt, const SeedForm& form)
      : store_(store), lsn_(lsn), write_(write), progress_(progress), interrupt_(interrupt), form_(form) {}

  SeedCounts Run() {
    schema_ = form_.schema != nullptr ? *form_.schema : store_.SchemaAt(lsn_);
    schema::CheckStoredSchema(schema_);
    epochs_ = EpochsAt(store_.manifest(), lsn_);
    const std::vector<TableParts> tables = DivideTables();
    ReadAhead ahead(store_, parts_);
    if (form_.clean) MakeCleanPartImportable();
    if (!form_.clean) RemoveCleanPart();
    MakeKeysNotValid();
    if (const std::string key = form_.restrict_key(); !key.empty()) WriteRestrict(key);
    const LargeObjectWriter::Write put = [this](std::string_view text) { Put(text); };
    LargeObjectWriter large_objects(schema_, put);
    if (form_.clean) large_objects.WritePreData();
    if (!form_.clean) Put(schema_.pre_data());
    WriteTables(tables, ahead);
    WriteSequences();
    WriteLargeObjects(large_objects);
    Put(schema_.post_data());
    return counts_;
  }

 private:
  void Put(std::string_view text) {
    interrupt_.Check();
    write_(text);
    counts_.bytes += text.size();
    progress_.Update(counts_.bytes);
  }

  void MakeCleanPartImportable() {
    const std::string text = schema_.pre_data();
    const auto drops_at = static_cast<size_t>(schema_.drops_at());
    formats::CleanPart part = formats::FindCleanPart(text);
    const std::set<std::string> partitioned = formats::PartitionedTables(text, schema_.standard_strings());
    // The large objects' DROPs belong into the middle.
    const size_t middle = std::clamp(drops_at, part.begin, part.end);
    std::string importable = text.substr(0, part.begin) +
                             formats::ImportableCleanPart(text.substr(part.begin, middle - part.begin), partitioned);
    if (middle == drops_at) schema_.set_drops_at(importable.size());
    importable += formats::ImportableCleanPart(text.substr(middle, part.end - middle), partitioned);
    schema_.set_pre_data(importable + text.substr(part.end));
  }

  void RemoveCleanPart() {
    schema_.set_pre_data(formats::WithoutCleanPart(schema_.pre_data()));
    schema_.set_drops_at(0);
  }

  void MakeKeysNotValid() {
    std::set<formats::ConstraintName> keys;
    for (const proto::ForeignKey& key : schema_.not_valid()) keys.emplace(key.schema(), key.table(), key.name());
    schema_.set_post_data(formats::WithNotValidKeys(schema_.post_data(), keys, schema_.standard_strings()));
  }

  // Writes \restrict and \unrestrict where pg_dump has them: after the first comment, and at the end.
  void WriteRestrict(const std::string& key) {
    constexpr std::string_view kTitle = "--\n-- PostgreSQL database dump\n--\n\n";
    const size_t at = schema_.pre_data().starts_with(kTitle) ? kTitle.size() : 0;
    const std::string line = fmt::format("\\restrict {}\n\n", key);
    schema_.mutable_pre_data()->insert(at, line);
    if (schema_.drops_at() != 0) schema_.set_drops_at(schema_.drops_at() + line.size());
    schema_.mutable_post_data()->append(fmt::format("\\unrestrict {}\n\n", key));
  }

  ScanRequest ScanOf(const proto::Table& table) const {
    return {
        .table = table.id(), .epoch = EpochOf(epochs_, table, lsn_), .lsn = lsn_, .range = {}, .shape = table.shape()};
  }

  Part& AddPart(const ScanRequest& scan, const KeyRange& range) {
    parts_.push_back(std::make_unique<Part>());
    Part& part = *parts_.back();
    part.number = parts_.size() - 1;
    part.scan = scan;
    part.scan.range = range;
    return part;
  }

  // Adds the parts of a table in which there are rows to be written.
  void AddParts(const proto::Table& table) {
    const ScanRequest scan = ScanOf(table);
    if (form_.rows == nullptr || form_.rows->whole.count(table.id()) > 0) {
      for (const KeyRange& range : store_.Split(scan.table, scan.epoch, kPartsPerTable)) AddPart(scan, range);
      return;
    }
    const auto chosen = form_.rows->tables.find(table.id());
    if (chosen == form_.rows->tables.end()) return;
    for (const subset::RowRange& range : chosen->second.ranges) {
      const uint64_t rows = chosen->second.rows.Count(range.first, range.first + range.rows);
      if (rows == 0) continue;
      Part& part = AddPart(scan, range.range);
      if (rows < range.rows) part.chosen = &chosen->second.rows;
      part.first_row = range.first;
      if (chosen->second.has_lines) part.lines = &range.lines;
      if (chosen->second.has_lines) part.rows = rows;
    }
  }

  struct TableParts {
    const proto::Table* table;
    size_t parts = 0;
  };

  // Fills parts_ with the parts of all tables, in the order of the seed.
  std::vector<TableParts> DivideTables() {
    std::vector<TableParts> tables;
    for (const proto::Table* table : TablesInOrder(schema_)) {
      const size_t before = parts_.size();
      AddParts(*table);
      tables.push_back({.table = table, .parts = parts_.size() - before});
    }
    return tables;
  }

  void WriteTables(const std::vector<TableParts>& tables, ReadAhead& ahead) {
    size_t at = 0;
    for (const auto& [table, part_count] : tables) {
      progress_.Detail(table->quoted_name());
      Put(formats::DumpCommentText(
          {.prefix = "Data for ", .name = table->name(), .type = "TABLE DATA", .schema = table->schema()}));
      const std::string& target = table->load_through().empty() ? table->quoted_name() : table->load_through();
      Put(fmt::format("COPY {} {} FROM stdin;\n", target, table->copy_columns()));
      for (size_t end = at + part_count; at < end; ++at) {
        std::string used;
        while (std::optional<std::string> piece = ahead.Take(at, std::move(used))) {
          Put(*piece);
          used = std::move(*piece);
        }
        counts_.rows += parts_[at]->rows;
        parts_[at].reset(new Part());  // Its memory is no longer needed.
      }
      Put("\\.\n\n\n");
      ++counts_.tables;
    }
  }

  void WriteSequences() {
    std::map<uint32_t, proto::SequenceValue> values;
    proto::SequenceValues stored = store_.SequencesAt(lsn_);
    for (const proto::SequenceValue& value : stored.values()) values[value.id()] = value;
    for (const proto::Sequence& sequence : schema_.sequences()) {
      Put(formats::DumpCommentText(
          {.prefix = "", .name = sequence.name(), .type = "SEQUENCE SET", .schema = sequence.schema()}));
      Put(SetvalStatement(sequence, values[sequence.id()], schema_.standard_strings()) + "\n\n");
    }
  }

  void WriteLargeObjects(const LargeObjectWriter& writer) {
    auto table = std::find_if(schema_.tables().begin(), schema_.tables().end(), [](const proto::Table& candidate) {
      return candidate.id() == postgres::kLargeObjectTable;
    });
    if (table == schema_.tables().end()) return;
    writer.WriteData([this, scan = ScanOf(*table)](const std::string& first_key) {
      ScanRequest request = scan;
      if (!first_key.empty()) request.range.begin = EncodeRowPrefix(scan.table, scan.epoch, first_key);
      return store_.ScanAt(request);
    });
  }

  const RowStore& store_;
  const Lsn lsn_;
  const std::function<void(std::string_view)>& write_;
  Progress& progress_;
  const Interrupt& interrupt_;
  const SeedForm& form_;
  proto::SchemaVersion schema_;
  std::map<TableId, EpochNumber> epochs_;
  std::vector<std::unique_ptr<Part>> parts_;
  SeedCounts counts_;
};

}  // namespace

SeedCounts WriteSeed(const RowStore& store, Lsn lsn, const std::function<void(std::string_view)>& write,
                     Progress& progress, const Interrupt& interrupt, const SeedForm& form) {
  return SeedWriter(store, lsn, write, progress, interrupt, form).Run();
}

}  // namespace rotv::seed
