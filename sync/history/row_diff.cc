#include "sync/history/row_diff.h"

#include <algorithm>
#include <unordered_map>

#include "storage/row_key.h"
#include "sync/formats/copy_text.h"
#include "sync/history/read_ahead.h"
#include "sync/schema/follow.h"

namespace rotv::history {

// Two states of a table are compared in one of three ways, the cheapest that is correct:
// 1. CompareKeys(): the change log names the rows that were touched, and each is looked up in both states. The cost is
// that of the change, not of the table. It needs both states in one epoch, and a list of keys that fits into memory
// (touched_rows.h).
// 2. Merge(): both states are scanned in the order of their keys, which is how the store has them, and walked side by
// side. The cost is one pass over each; memory is one row of each. It needs keys that have the same bytes for the same
// row, so it also serves two epochs, and two histories.
// 3. CompareByContent(): where the keys do not agree (another identity, a multiset whose columns have changed), rows
// are compared by a 128-bit hash of the columns that both states have. A row is then added or removed, never changed.
//
// The third way must not hold a table in memory. So the hashes are split into as many shares as memory asks for, one
// pass over both states for each share: the older state's rows are counted, the newer state's are counted down, and
// what is left over in either direction is the difference. Each pass scans the older state twice, since a removed row
// is found only after the newer state was read. An external sort would read each state fewer times, but would need
// space for a copy of the table; this way is rare, so it spends time instead.

namespace {

// Rows between two checks of the interrupt.
constexpr uint64_t kRowsBetweenLooks = 4096;
// Rows whose hashes are held at once by CompareByContent().
constexpr uint64_t kRowsHeld = 1 << 20;

std::vector<std::string> NamesOf(const proto::Shape& shape) {
  std::vector<std::string> names;
  for (const proto::Column& column : shape.columns()) names.push_back(column.name());
  return names;
}

std::vector<std::string> KeyNames(const proto::Table& table, const proto::Shape& shape) {
  std::vector<std::string> names;
  if (schema::IsMultiset(table)) return names;
  for (uint32_t column : table.key_columns()) names.push_back(shape.columns(static_cast<int>(column)).name());
  return names;
}

// The hash has 128 bits, so that different rows are never taken for equal.
using ContentHash = std::pair<uint64_t, uint64_t>;
struct FirstHalf {
  size_t operator()(const ContentHash& hash) const { return hash.first; }
};

ContentHash HashOf(const std::vector<std::string_view>& fields) {
  std::string line, hash;
  for (std::string_view field : fields) line.append(field).push_back('\t');
  AppendMultisetKey(line, &hash);
  return {ReadBigEndian64(hash.data()), ReadBigEndian64(hash.data() + sizeof(uint64_t))};
}

}  // namespace

RowDiff::RowDiff(const TableState& before, const TableState& after)
    : before_{.state = before, .picks = {}}, after_{.state = after, .picks = {}} {
  after_.shape = after.table->shape();
  // Within one history the older rows are read in the newer table's shape.
  bool one_table = before.store == after.store && before.table->id() == after.table->id();
  before_.shape = one_table ? after_.shape : before.table->shape();
  MatchColumns();
}

void RowDiff::MatchColumns() {
  const proto::Shape& old_shape = before_.state.store->shapes().Get(before_.shape);
  const proto::Shape& new_shape = after_.state.store->shapes().Get(after_.shape);
  std::vector<std::string> old_names = NamesOf(old_shape);
  std::vector<std::string> new_names = NamesOf(new_shape);
  before_.fields = old_names.size();
  after_.fields = new_names.size();
  for (size_t i = 0; i < new_names.size(); ++i) {
    auto same = std::find(old_names.begin(), old_names.end(), new_names[i]);
    if (same == old_names.end()) continue;
    before_.picks.push_back(static_cast<size_t>(same - old_names.begin()));
    after_.picks.push_back(i);
    columns_.push_back(new_names[i]);
  }
  same_columns_ = old_names == new_names;
  if (KeysAgree()) key_columns_ = KeyNames(*after_.state.table, new_shape);
}

bool RowDiff::KeysAgree() const {
  const proto::Table& a = *before_.state.table;
  const proto::Table& b = *after_.state.table;
  const ShapeMap& old_shapes = before_.state.store->shapes();
  const ShapeMap& new_shapes = after_.state.store->shapes();
  if (schema::IsMultiset(a) != schema::IsMultiset(b)) return false;
  // A multiset's key is a hash of the stored line.
  if (schema::IsMultiset(a)) return NamesOf(old_shapes.Get(a.shape())) == NamesOf(new_shapes.Get(b.shape()));
  bool one_table = before_.state.store == after_.state.store && a.id() == b.id();
  if (one_table && before_.state.epoch == after_.state.epoch)
    return true;  // This holds even if a key column was
                  // renamed.
  return KeyNames(a, old_shapes.Get(a.shape())) == KeyNames(b, new_shapes.Get(b.shape())) &&
         std::equal(a.key_is_integer().begin(), a.key_is_integer().end(), b.key_is_integer().begin(),
                    b.key_is_integer().end());
}

std::unique_ptr<RowScan> RowDiff::Scan(const Side& side, ScanRequest::Access access) const {
  return side.state.store->ScanAt({.table = side.state.table->id(),
                                   .epoch = side.state.epoch,
                                   .lsn = side.state.lsn,
                                   .range = {},
                                   .shape = side.shape,
                                   .access = access});
}

void RowDiff::Pick(const Side& side, std::string_view line, std::vector<std::string_view>* fields) const {
  std::vector<std::string_view> all;
  formats::SplitCopyLine(line, side.fields, &all);
  fields->clear();
  for (size_t pick : side.picks) fields->push_back(all[pick]);
}

void RowDiff::Emit(RowChange::Kind kind, const Visit& visit, RowCounts* counts) {
  static const std::vector<std::string_view> kNone;
  RowChange change{.kind = kind, .before = &before_fields_, .after = &after_fields_};
  switch (kind) {
    case RowChange::Kind::kAdded:
      ++counts->added;
      change.before = &kNone;
      break;
    case RowChange::Kind::kRemoved:
      ++counts->removed;
      change.after = &kNone;
      break;
    case RowChange::Kind::kChanged:
      ++counts->changed;
      for (size_t i = 0; i < columns_.size(); ++i) {
        if (before_fields_[i] != after_fields_[i]) ++counts->changed_columns[i];
      }
      break;
  }
  visit(change);
}

void RowDiff::EmitIfChanged(std::string_view before, std::string_view after, const Visit& visit, RowCounts* counts) {
  if (same_columns_ && before == after) return;
  Pick(before_, before, &before_fields_);
  Pick(after_, after, &after_fields_);
  if (before_fields_ != after_fields_) Emit(RowChange::Kind::kChanged, visit, counts);
}

RowCounts RowDiff::CompareKeys(const std::vector<std::string>& sorted_keys, const Visit& visit,
                               const Interrupt& interrupt) {
  RowCounts counts{.changed_columns = std::vector<uint64_t>(columns_.size())};
  std::unique_ptr<RowScan> old_rows = Scan(before_, ScanRequest::Access::kSomeRows);
  std::unique_ptr<RowScan> new_rows = Scan(after_, ScanRequest::Access::kSomeRows);
  ReadAhead ahead(Scan(before_, ScanRequest::Access::kSomeRows), sorted_keys);
  for (size_t i = 0; i < sorted_keys.size(); ++i) {
    const std::string& key = sorted_keys[i];
    ahead.At(i);
    if (i % kRowsBetweenLooks == 0) interrupt.Check();
    uint32_t old_count = old_rows->Find(key);
    uint32_t new_count = new_rows->Find(key);
    if (old_count > 0 && new_count > 0) EmitIfChanged(old_rows->line(), new_rows->line(), visit, &counts);
    if (old_count > new_count) Pick(before_, old_rows->line(), &before_fields_);
    if (new_count > old_count) Pick(after_, new_rows->line(), &after_fields_);
    for (uint32_t n = new_count; n < old_count; ++n) Emit(RowChange::Kind::kRemoved, visit, &counts);
    for (uint32_t n = old_count; n < new_count; ++n) Emit(RowChange::Kind::kAdded, visit, &counts);
  }
  return counts;
}

RowCounts RowDiff::CompareAll(const Visit& visit, const Interrupt& interrupt) {
  RowCounts counts{.changed_columns = std::vector<uint64_t>(columns_.size())};
  if (KeysAgree()) {
    Merge(visit, interrupt, &counts);
  } else {
    CompareByContent(visit, interrupt, &counts);
  }
  return counts;
}

// Walks both states side by side, in the order of their keys.
void RowDiff::Merge(const Visit& visit, const Interrupt& interrupt, RowCounts* counts) {
  std::unique_ptr<RowScan> old_rows = Scan(before_, ScanRequest::Access::kAllRows);
  std::unique_ptr<RowScan> new_rows = Scan(after_, ScanRequest::Access::kAllRows);
  bool is_old = old_rows->Next();
  bool is_new = new_rows->Next();
  uint64_t looked_at = 0;
  while (is_old || is_new) {
    if (++looked_at % kRowsBetweenLooks == 0) interrupt.Check();
    int order = !is_old ? 1 : !is_new ? -1 : old_rows->row_key().compare(new_rows->row_key());
    if (order == 0) {
      EmitIfChanged(old_rows->line(), new_rows->line(), visit, counts);
    } else if (order < 0) {
      Pick(before_, old_rows->line(), &before_fields_);
      Emit(RowChange::Kind::kRemoved, visit, counts);
    } else {
      Pick(after_, new_rows->line(), &after_fields_);
      Emit(RowChange::Kind::kAdded, visit, counts);
    }
    if (order <= 0) is_old = old_rows->Next();
    if (order >= 0) is_new = new_rows->Next();
  }
}

// Makes several passes, each over the rows whose hash is in its share, so that memory is bounded.
void RowDiff::CompareByContent(const Visit& visit, const Interrupt& interrupt, RowCounts* counts) {
  uint64_t rows = 0;
  for (std::unique_ptr<RowScan> scan = Scan(before_, ScanRequest::Access::kAllRows); scan->Next();) {
    if (++rows % kRowsBetweenLooks == 0) interrupt.Check();
  }
  const uint64_t passes = rows / kRowsHeld + 1;
  for (uint64_t pass = 0; pass < passes; ++pass) {
    std::unordered_map<ContentHash, int64_t, FirstHalf> surplus;  // Rows of the older state that the newer one has not
                                                                  // matched.
    uint64_t looked_at = 0;
    auto each = [&](const Side& side, std::vector<std::string_view>* fields, const auto& take) {
      for (std::unique_ptr<RowScan> scan = Scan(side, ScanRequest::Access::kAllRows); scan->Next();) {
        if (++looked_at % kRowsBetweenLooks == 0) interrupt.Check();
        Pick(side, scan->line(), fields);
        ContentHash hash = HashOf(*fields);
        if (hash.second % passes == pass) take(hash);
      }
    };
    each(before_, &before_fields_, [&](const ContentHash& hash) { ++surplus[hash]; });
    each(after_, &after_fields_, [&](const ContentHash& hash) {
      if (--surplus[hash] < 0) Emit(RowChange::Kind::kAdded, visit, counts);
    });
    each(before_, &before_fields_, [&](const ContentHash& hash) {
      auto left = surplus.find(hash);
      if (left->second <= 0) return;
      --left->second;
      Emit(RowChange::Kind::kRemoved, visit, counts);
    });
  }
}

}  // namespace rotv::history
