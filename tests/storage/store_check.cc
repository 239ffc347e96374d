#include "tests/storage/store_check.h"

#include <fmt/format.h>

#include <algorithm>

#include "storage/epochs.h"
#include "storage/error.h"
#include "storage/row_key.h"
#include "tests/storage/store_walk.h"

namespace rotv::testing {
namespace {

void Require(bool holds, const std::string& what) {
  if (!holds) throw Mismatch(what);
}

// The row keys in one entry of the change log.
std::multiset<std::string> KeysIn(std::string_view bytes) {
  std::multiset<std::string> keys;
  while (!bytes.empty()) {
    size_t size = 0;
    for (int shift = 0;; shift += 7) {
      Require(!bytes.empty(), "the change log has half a key");
      const auto byte = static_cast<unsigned char>(bytes.front());
      bytes.remove_prefix(1);
      size |= static_cast<size_t>(byte & 0x7F) << shift;
      if (byte < 0x80) break;
    }
    Require(size <= bytes.size(), "the change log has half a key");
    keys.emplace(bytes.substr(0, size));
    bytes.remove_prefix(size);
  }
  return keys;
}

}  // namespace

std::string SchemaText(uint64_t lsn) { return fmt::format("schema {}", lsn); }

std::string ContentOf(proto::Manifest manifest) {
  manifest.clear_state_number();
  manifest.clear_files();
  manifest.clear_collected_bytes();
  manifest.clear_pull_in_progress();
  return manifest.SerializeAsString();
}

void StoreCheck::Some(uint32_t choice) {
  const std::vector<uint64_t> lsns = model_.RetainedLsns();
  State(lsns[choice % lsns.size()], choice);
  State(lsns[choice / 7 % lsns.size()], choice / 7);
  if (choice % 3 == 0) State(lsns.back(), choice);
  if (choice % 5 == 0) Log(std::max(model_.now.log_from, lsns[choice / 5 % lsns.size()]));
}

void StoreCheck::All() {
  uint32_t choice = 0;
  for (uint64_t lsn : model_.RetainedLsns()) State(lsn, choice++);
  Log(model_.now.log_from);
  Log(model_.now.head);
}

void StoreCheck::Newest(TableId table, EpochNumber epoch) {
  for (const auto& [key, versions] : model_.Rows(table, epoch)) {
    std::string bytes;
    const std::optional<VersionBuffer::Found> found = store_.Newest(EncodeRowPrefix(table, epoch, key), &bytes);
    const ModelVersion& expected = versions.back();
    const std::string what = fmt::format("table {}, epoch {}: Newest() ", table, epoch);
    if (!expected.row) {
      Require(!found || found->version.kind == RowVersion::Kind::kTombstone, what + "gives a row that was deleted");
      continue;
    }
    const std::string line = model_.LineOf(*expected.row, 0);
    Require(found && found->version.kind == RowVersion::Kind::kRow, what + "lacks " + line);
    Require(found->commit_lsn == Lsn(expected.lsn) && found->version.count == expected.row->count &&
                found->version.text == line,
            what + fmt::format("gives {} instead of {}", found->version.text, line));
  }
}

void StoreCheck::NothingUnpublished() {
  std::string row;
  Lsn newer;
  store_.VisitVersions([&](const VersionKey& key, const RowVersion&, size_t) {
    Require(key.commit_lsn < Lsn(model_.now.durable),
            fmt::format("a version at {} was not published", key.commit_lsn.ToString()));
    const std::string prefix = EncodeRowPrefix(key.table, key.epoch, key.row_key);
    Require(prefix != row || key.commit_lsn < newer, "an older version comes before a newer one");
    Require(prefix >= row, "rows are out of order");
    row = prefix;
    newer = key.commit_lsn;
  });
}

void StoreCheck::State(uint64_t lsn, uint32_t choice) {
  const proto::SchemaVersion schema = store_.SchemaAt(Lsn(lsn));
  const std::string text = SchemaText(model_.SchemaLsnAt(lsn));
  Require(schema.pre_data() == text, fmt::format("{} instead of {} at {}", schema.pre_data(), text, lsn));
  const proto::SequenceValues sequences = store_.SequencesAt(Lsn(lsn));
  const std::optional<int64_t> value = model_.SequenceAt(lsn);
  Require(value && sequences.values_size() == 1 && sequences.values(0).last_value() == *value,
          fmt::format("other sequences at {}", lsn));
  const std::map<TableId, EpochNumber> epochs = EpochsAt(store_.manifest(), Lsn(lsn));
  for (const auto& [table, form] : model_.SchemaAt(lsn).tables) {
    const std::optional<EpochNumber> epoch = model_.EpochAt(table, lsn);
    const auto found = epochs.find(table);
    Require(epoch && found != epochs.end() && found->second == *epoch,
            fmt::format("table {} has another epoch at {}", table, lsn));
    uint32_t shape = form.shape;
    if (choice % 4 == 0) shape = 0;
    if (choice % 4 == 1) {  // Any shape that this table has ever had.
      for (const auto& [id, other] : model_.now.shapes) {
        if (other.table == table && (choice / 4 + id) % 2 == 0) shape = id;
      }
    }
    Table(table, *epoch, lsn, shape, choice);
    if (choice % 2 == 0) Find(table, *epoch, lsn, choice);
  }
}

void StoreCheck::Table(TableId table, EpochNumber epoch, uint64_t lsn, uint32_t shape, uint32_t choice) {
  std::vector<KeyRange> ranges = {{}};
  if (choice % 3 == 0) ranges = store_.Split(table, epoch, 1 + choice / 3 % 5);
  const std::string what = fmt::format("table {}, epoch {}, at {}: ", table, epoch, lsn);
  Require(!ranges.empty(), what + "no ranges");
  for (size_t i = 1; i < ranges.size(); ++i) {
    Require(ranges[i].begin == ranges[i - 1].end && !ranges[i].begin.empty(), what + "ranges with a hole");
  }
  const std::map<std::string, StoreModel::Line> rows = model_.RowsAt(table, epoch, lsn, shape);
  // The state at the durable LSN is also what any later LSN reads.
  const Lsn read = lsn == model_.now.durable && choice % 5 == 0 ? Lsn(UINT64_MAX) : Lsn(lsn);
  auto expected = rows.begin();
  uint32_t repeated = 0;
  for (const KeyRange& range : ranges) {
    std::unique_ptr<RowScan> scan =
        store_.ScanAt({.table = table, .epoch = epoch, .lsn = read, .range = range, .shape = shape});
    while (scan->Next()) {
      Require(expected != rows.end(), what + fmt::format("a row too many: {}", scan->line()));
      Require(scan->row_key() == expected->first, what + fmt::format("another row than {}", expected->second.text));
      Require(scan->line() == expected->second.text,
              what + fmt::format("{} instead of {}", scan->line(), expected->second.text));
      if (++repeated < expected->second.count) continue;
      repeated = 0;
      ++expected;
    }
    Require(repeated == 0, what + "an equal row is missing");
  }
  Require(expected == rows.end(), what + "a row is missing");
}

void StoreCheck::Find(TableId table, EpochNumber epoch, uint64_t lsn, uint32_t choice) {
  const std::map<std::string, StoreModel::Line> rows = model_.RowsAt(table, epoch, lsn, 0);
  std::vector<std::string> keys;
  for (const auto& [key, line] : rows) keys.push_back(key);
  for (uint32_t i = 0; i < 3; ++i) {  // Rows that are not there, or not at this LSN.
    std::string key;
    AppendIntegerKey(std::to_string(static_cast<int64_t>(choice / 3 + i) % 24 * 1000 - 7000), &key);
    keys.push_back(key);
  }
  std::unique_ptr<RowScan> some =
      store_.ScanAt({.table = table, .epoch = epoch, .lsn = Lsn(lsn), .access = ScanRequest::Access::kSomeRows});
  std::unique_ptr<RowScan> all = store_.ScanAt({.table = table, .epoch = epoch, .lsn = Lsn(lsn)});
  for (size_t i = 0; i < std::min<size_t>(keys.size(), 6); ++i) {
    const std::string& key = keys[(choice + i * 7) % keys.size()];
    const auto expected = rows.find(key);
    const auto& scan = i % 2 == 0 ? some : all;
    const uint32_t count = scan->Find(key);
    const std::string what = fmt::format("table {}, epoch {}, at {}: Find() ", table, epoch, lsn);
    Require(count == (expected == rows.end() ? 0 : expected->second.count), what + fmt::format("gives {}", count));
    if (count == 0) continue;
    Require(scan->line() == expected->second.text, what + fmt::format("reads {}", scan->line()));
    if (i % 2 == 0) continue;
    const auto next = std::next(expected);
    Require(scan->Next() == (next != rows.end()), what + "does not go on");
    if (next != rows.end())
      Require(scan->line() == next->second.text, what + fmt::format("goes on to {}", scan->line()));
  }
}

void StoreCheck::Log(uint64_t from) {
  std::vector<ModelTransaction> expected;
  for (const ModelTransaction& one : model_.log()) {
    if (one.commit_lsn >= from && one.commit_lsn < Lsn(store_.manifest().durable_lsn()).value())
      expected.push_back(one);
  }
  std::vector<ModelTransaction> found;
  bool continued = false;
  store_.VisitLog(Lsn(from), [&](const proto::Transaction& piece) {
    if (!continued)
      found.push_back({.commit_lsn = piece.commit_lsn(), .time_us = piece.commit_time_us(), .changes = {}});
    Require(found.back().commit_lsn == piece.commit_lsn(), "a transaction is not whole");
    continued = piece.continued();
    for (const proto::TableChanges& changes : piece.changes()) {
      ModelChanges& sum = found.back().changes[{changes.table(), changes.epoch()}];
      sum.inserted += changes.inserted();
      sum.updated += changes.updated();
      sum.deleted += changes.deleted();
      sum.truncated |= changes.truncated();
      sum.keys.merge(KeysIn(changes.keys()));
    }
    return true;
  });
  Require(!continued, "the last transaction is not whole");
  Require(found.size() == expected.size(),
          fmt::format("{} transactions from {} instead of {}", found.size(), from, expected.size()));
  for (size_t i = 0; i < found.size(); ++i) {
    Require(found[i].commit_lsn == expected[i].commit_lsn && found[i].time_us == expected[i].time_us &&
                found[i].changes == expected[i].changes,
            fmt::format("the change log has another transaction at {}", expected[i].commit_lsn));
  }
  if (expected.empty()) return;
  const uint64_t before = expected[expected.size() / 2].commit_lsn + 1;
  const std::optional<proto::Transaction> last = store_.LastLogged(Lsn(before));
  Require(last && last->commit_lsn() == before - 1 && !last->continued(), "another transaction is the last one");
}

}  // namespace rotv::testing
