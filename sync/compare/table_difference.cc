#include "sync/compare/table_difference.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <map>
#include <thread>

#include "storage/error.h"
#include "storage/row_key.h"
#include "sync/compare/digest_sql.h"
#include "sync/compare/row_hash.h"
#include "sync/formats/copy_text.h"
#include "sync/formats/row_check.h"
#include "sync/postgres/locked_reading.h"
#include "sync/schema/follow.h"
#include "sync/schema/row_codec.h"

// The digests have named groups of rows that differ: a group is a part, by hash, of a range of the first key column. Of
// these the source sends keys and hashes, not rows, and the store's rows of the same ranges are hashed in turn. A row
// that changed may have moved to another group of its range (its hash did), so groups are looked at by whole ranges:
// then both of its forms are among them, and each key is found missing, extra or different exactly once. The cost is a
// key and eight bytes for each row of the ranges, and memory for kMostRows keys; beyond that the differences are
// counted as incomplete. Fetching the rows themselves was refused: it would move what a pull of the table moves.

namespace rotv::compare {
namespace {

// The most rows whose keys are kept at once.
constexpr uint64_t kMostRows = 200'000;
constexpr size_t kMostWanted = 50'000;
constexpr size_t kMostShown = 10;
constexpr size_t kBufferBytes = size_t{12} << 20;
constexpr int kMostTries = 60;
constexpr auto kRowRetryPause = std::chrono::milliseconds(500);

std::string KeyStart(const TableCheck& check, const std::string& first_key) {
  std::string key;
  if (check.table->key_is_integer(0)) {
    AppendIntegerKey(first_key, &key);
  } else {
    AppendTextKey(first_key, &key);
  }
  return key;
}

// Compares the rows of some groups by their keys.
class RowComparison {
 public:
  // `groups` are in order. Differences are added to `difference`.
  RowComparison(const TableCheck& check, const proto::Shape& shape, const std::vector<size_t>& groups,
                TableDifference* difference)
      : check_(check),
        table_(*check.table),
        shape_(shape),
        groups_(groups),
        hasher_(static_cast<size_t>(shape.columns_size()), ComparedColumns(*check.table, shape)),
        difference_(*difference) {
    for (const std::string& begin : check.stored.begins) begins_.push_back(KeyStart(check, begin));
  }

  void Restart() { source_.clear(); }

  // Takes one line of DigestSql::Keys().
  void TakeSource(std::string_view line) {
    formats::SplitCopyLine(line, 1 + static_cast<size_t>(table_.key_columns_size()), &fields_);
    int64_t hash = 0;
    auto [end, error] = std::from_chars(fields_[0].data(), fields_[0].data() + fields_[0].size(), hash);
    if (error != std::errc() || end != fields_[0].data() + fields_[0].size()) {
      throw Error(ErrorCode::kProtocol, "the source sent a hash that is not a number");
    }
    Entry& entry = source_[KeyOfFields(static_cast<uint64_t>(hash))];
    entry.hash = static_cast<uint64_t>(hash);
    ++entry.count;
  }

  // Returns the range of the store's rows from the first to the last of the ranges.
  KeyRange StoreRange() const {
    KeyRange range;
    if (begins_.empty() || groups_.empty()) return range;
    size_t first = groups_.front() / check_.stored.parts;
    size_t last = groups_.back() / check_.stored.parts;
    auto start = [&](size_t at) { return EncodeRowPrefix(table_.id(), check_.epoch, begins_[at]); };
    if (first > 0) range.begin = start(first - 1);
    if (last < begins_.size()) range.end = start(last);
    return range;
  }

  void TakeStored(const RowScan& scan) {
    uint64_t hash = hasher_.Hash(scan.line());
    auto behind = std::upper_bound(begins_.begin(), begins_.end(), scan.row_key());
    size_t range = static_cast<size_t>(behind - begins_.begin());
    if (!std::binary_search(groups_.begin(), groups_.end(), check_.stored.GroupOf(range, hash))) return;
    std::string key = schema::IsMultiset(table_) ? MultisetKey(hash) : std::string(scan.row_key());
    auto found = source_.find(key);
    if (found == source_.end()) {
      Note(KeyDifference::Kind::kExtra, key);
      ++difference_.extra;
      if (!schema::IsMultiset(table_) && difference_.unwanted.size() < kMostWanted) difference_.unwanted.push_back(key);
      return;
    }
    if (found->second.hash != hash) {
      Note(KeyDifference::Kind::kDifferent, key);
      ++difference_.different;
      Want(found->second.hash);
    }
    if (--found->second.count == 0) source_.erase(found);
  }

  void Finish() {
    for (const auto& [key, entry] : source_) {
      Note(KeyDifference::Kind::kMissing, key);
      difference_.missing += entry.count;
      Want(entry.hash);
    }
    std::sort(noted_.begin(), noted_.end());
    for (const auto& [key, kind] : noted_) difference_.keys.push_back({kind, NamedKey(key)});
  }

 private:
  struct Entry {
    uint64_t hash = 0;
    uint64_t count = 0;  // Differs from 1 only in a multiset.
  };

  static std::string MultisetKey(uint64_t hash) {
    std::string key;
    AppendBigEndian64(hash, &key);
    return key;
  }

  std::string KeyOfFields(uint64_t hash) {
    if (schema::IsMultiset(table_)) return MultisetKey(hash);
    std::string key;
    for (int i = 0; i < table_.key_columns_size(); ++i) {
      std::string_view text = formats::UnescapeCopyField(fields_[1 + static_cast<size_t>(i)], &scratch_);
      table_.key_is_integer(i) ? AppendIntegerKey(text, &key) : AppendTextKey(text, &key);
    }
    return key;
  }

  void Want(uint64_t hash) {
    if (difference_.wanted.size() < kMostWanted) difference_.wanted.push_back(hash);
  }

  // Keeps the first keys in order. A multiset's rows have no key to report.
  void Note(KeyDifference::Kind kind, const std::string& key) {
    if (schema::IsMultiset(table_)) return;
    noted_.emplace_back(key, kind);
    if (noted_.size() < 2 * kMostShown) return;
    std::sort(noted_.begin(), noted_.end());
    noted_.resize(kMostShown);
  }

  std::vector<std::pair<std::string, std::string>> NamedKey(const std::string& key) const {
    std::vector<std::string> texts = KeyTexts(table_, key, table_.key_columns_size());
    std::vector<std::pair<std::string, std::string>> named;
    for (size_t i = 0; i < texts.size(); ++i) {
      uint32_t column = table_.key_columns(static_cast<int>(i));
      named.emplace_back(shape_.columns(static_cast<int>(column)).name(), texts[i]);
    }
    return named;
  }

  const TableCheck& check_;
  const proto::Table& table_;
  const proto::Shape& shape_;
  const std::vector<size_t>& groups_;
  RowHasher hasher_;
  TableDifference& difference_;
  std::vector<std::string> begins_;  // Encoded as keys.
  std::map<std::string, Entry> source_;
  std::vector<std::pair<std::string, KeyDifference::Kind>> noted_;
  std::vector<std::string_view> fields_;
  std::string scratch_;
};

// Lists the differing ranges, and chooses the groups that are compared row by row: whole ranges, so that both forms of
// a row are among them.
void ChooseGroups(const TableCheck& check, TableDifference* difference) {
  const TableDigest& digest = check.stored;
  uint64_t rows = 0;
  std::vector<size_t> differing = check.DifferingGroups();
  for (size_t i = 0; i < differing.size();) {
    size_t range = differing[i] / digest.parts;
    size_t end = i;
    for (; end < differing.size() && differing[end] / digest.parts == range; ++end) {
      rows += std::max(check.source[differing[end]].rows, digest.groups[differing[end]].rows);
    }
    if (rows > kMostRows) difference->complete = false;
    if (difference->complete) {
      auto at = [&](size_t group) { return differing.begin() + static_cast<ptrdiff_t>(group); };
      difference->groups.insert(difference->groups.end(), at(i), at(end));
    }
    if (difference->ranges.size() < kMostShown && !schema::IsMultiset(*check.table)) {
      DifferingRange& named = difference->ranges.emplace_back();
      if (range > 0) named.from = digest.begins[range - 1];
      if (range < digest.begins.size()) named.to = digest.begins[range];
    }
    ++difference->differing_ranges;
    i = end;
  }
}

}  // namespace

TableExaminer::TableExaminer(postgres::SourceSession& session, RowStore& store, const CheckRequest& request)
    : session_(session),
      store_(store),
      request_(request),
      connection_(session.Connect(postgres::PgConnection::Kind::kOrdinary)),
      watchdog_(session) {}

TableExaminer::End TableExaminer::Read(const proto::Table& table, const Reading& reading) {
  for (int attempt = 1;; ++attempt) {
    std::optional<postgres::PgFailure> busy;
    End end = ReadOnce(table, reading, &busy);
    if (!busy) return end;
    if (attempt == kMostTries) connection_->Throw(*busy);
    session_.context().interrupt.Check();
    std::this_thread::sleep_for(kRowRetryPause);
  }
}

TableExaminer::End TableExaminer::ReadOnce(const proto::Table& table, const Reading& reading,
                                           std::optional<postgres::PgFailure>* busy) {
  reading.restart();
  postgres::PgOutcome start = connection_->StartCopyOut(
      fmt::format("{}COPY ({}) TO STDOUT; COMMIT", postgres::BeginReadingSql(*connection_, table, request_.snapshot),
                  reading.select));
  std::optional<postgres::PgFailure> failure = start.failure;
  bool unmoved = false;
  if (!failure) {
    const postgres::PgResult& check = start.results.back();
    unmoved = check.rows() == 1 && check.Bool(0, 0);
    if (!unmoved) connection_->Cancel();
    const formats::RowCheck check_row({.table = table.quoted_name(),
                                       .columns = reading.columns,
                                       .encoding = formats::EncodingNamed(connection_->Parameter("server_encoding"))});
    while (std::optional<std::string_view> row = connection_->CopyRow()) {
      if (unmoved) reading.take(check_row.Message(*row));
    }
    failure = connection_->FinishCopy();
    if (!unmoved) {
      (void)connection_->TryQuery("ROLLBACK");
      return End::kMoved;
    }
  }
  if (!failure) return End::kRead;
  (void)connection_->TryQuery("ROLLBACK");
  if (postgres::IsForMovedTable(*failure)) return End::kMoved;
  if (!postgres::IsForBusyTable(*failure)) connection_->Throw(*failure);
  *busy = failure;
  return End::kRead;
}

std::optional<TableDifference> TableExaminer::Examine(const TableCheck& check) {
  session_.context().progress.Detail(check.table->quoted_name());
  TableDifference difference;
  ChooseGroups(check, &difference);
  if (difference.groups.empty()) return difference;
  const proto::Shape& shape = store_.shapes().Get(check.table->shape());
  DigestSql sql(*connection_, *check.table, shape);
  RowComparison comparison(check, shape, difference.groups, &difference);
  End end = Read(*check.table, {.select = sql.Keys(check.stored, difference.groups),
                                .columns = 1 + static_cast<size_t>(check.table->key_columns_size()),
                                .restart = [&] { comparison.Restart(); },
                                .take = [&](std::string_view line) { comparison.TakeSource(line); }});
  if (end == End::kMoved) return std::nullopt;
  std::unique_ptr<RowScan> scan =
      ScanForCheck(store_, {.table = *check.table, .epoch = check.epoch, .lsn = request_.lsn}, comparison.StoreRange());
  while (scan->Next()) comparison.TakeStored(*scan);
  comparison.Finish();
  return difference;
}

bool TableExaminer::CanRepair(const TableCheck& check, const TableDifference& difference) {
  uint64_t differing = difference.missing + difference.extra + difference.different;
  // Rows that are fetched one by one are not masked; a copy of the table is.
  return !schema::IsMultiset(*check.table) && !check.table->has_mask() && check.unreadable.empty() &&
         difference.complete && !difference.groups.empty() && difference.wanted.size() < kMostWanted &&
         difference.unwanted.size() < kMostWanted && differing <= 100 + check.stored.rows() / 2;
}

bool TableExaminer::Repair(const TableCheck& check, const TableDifference& difference) {
  const proto::Shape& shape = store_.shapes().Get(check.table->shape());
  schema::RowCodec codec(*check.table, shape);
  auto buffer = std::make_unique<VersionBuffer>(VersionBuffer::Index::kNewest);
  // No transaction commits at this LSN, since commit records begin at multiples of eight; so the version is newer than
  // every other that the head sees, and older than those that follow.
  const Lsn lsn(request_.lsn.value() - 1);
  auto put = [&](const std::string& key, const RowVersion& version) {
    buffer->Put({.table = check.table->id(), .epoch = check.epoch, .row_key = key, .commit_lsn = lsn}, version);
    if (buffer->bytes() < kBufferBytes) return;
    store_.Write(*buffer);
    buffer = std::make_unique<VersionBuffer>(VersionBuffer::Index::kNewest);
  };
  if (!difference.wanted.empty()) {
    std::string key;
    DigestSql sql(*connection_, *check.table, shape);
    End end = Read(*check.table, {.select = sql.Rows(check.stored, difference.groups, difference.wanted),
                                  .columns = static_cast<size_t>(shape.columns_size()),
                                  .restart = [] {},
                                  .take =
                                      [&](std::string_view line) {
                                        codec.KeyOfLine(line, &key);
                                        put(key, {.shape = shape.id(), .text = line});
                                      }});
    if (end == End::kMoved) return false;
  }
  for (const std::string& key : difference.unwanted) put(key, {.kind = RowVersion::Kind::kTombstone, .text = {}});
  store_.Write(*buffer);
  return true;
}

}  // namespace rotv::compare
