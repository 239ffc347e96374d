#include "sync/subset/subset_writer.h"

#include <algorithm>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "storage/change_log.h"
#include "storage/epochs.h"
#include "sync/schema/follow.h"
#include "sync/subset/chosen_scan.h"

// The rows that the target has and those that were chosen are walked side by side, in the order of their keys, as the
// stores have them. What differs is written at L - 1, if L is the new head: a state has what commits before its LSN.
// That is never below the target's durable LSN, which is that of an earlier head, so a step that leads on from there
// finds all of it (sync/remote/step_writer.cc), and rows of a run that was killed are removed when the store is opened.
//
// Both stores have the same shapes. Rows are written in the shape that their table has now; those that are here in an
// earlier one are read in it, and count as changed only where that makes another line.
//
// A table gets a new epoch, without rows, where keys of its rows may have other bytes than before.

namespace rotv::subset {
namespace {

constexpr size_t kBufferBytes = size_t{8} << 20;
constexpr uint64_t kMergedBetweenLooks = 4096;

std::vector<std::pair<uint32_t, bool>> KeyColumns(const proto::Table& table, const proto::Shape& shape) {
  std::vector<std::pair<uint32_t, bool>> key;
  for (int i = 0; i < table.key_columns_size(); ++i) {
    key.emplace_back(shape.columns(static_cast<int>(table.key_columns(i))).number(), table.key_is_integer(i));
  }
  return key;
}

// Rows of a multiset are identified by their lines.
std::vector<std::pair<uint32_t, uint32_t>> LineColumns(const proto::Shape& shape) {
  std::vector<std::pair<uint32_t, uint32_t>> columns;
  for (const proto::Column& column : shape.columns()) columns.emplace_back(column.number(), column.type_oid());
  return columns;
}

// True if equal rows of both have keys with the same bytes.
bool KeysAgree(const proto::Table& a, const proto::Table& b, const ShapeMap& shapes) {
  if (schema::IsMultiset(a) != schema::IsMultiset(b)) return false;
  const proto::Shape& of_a = shapes.Get(a.shape());
  const proto::Shape& of_b = shapes.Get(b.shape());
  return schema::IsMultiset(a) ? LineColumns(of_a) == LineColumns(of_b) : KeyColumns(a, of_a) == KeyColumns(b, of_b);
}

class SubsetWriter {
 public:
  SubsetWriter(const SubsetState& wanted, RowStore& target, Progress& progress, const Interrupt& interrupt)
      : wanted_(wanted),
        target_(target),
        progress_(progress),
        interrupt_(interrupt),
        schema_(wanted.store.SchemaAt(wanted.lsn)),
        epochs_(EpochsAt(wanted.store.manifest(), wanted.lsn)),
        commit_lsn_(wanted.lsn.value() - 1) {
    for (const auto& [schema, table, name] : wanted.rows.not_valid) {
      proto::ForeignKey* key = schema_.add_not_valid();
      key->set_schema(schema);
      key->set_table(table);
      key->set_name(name);
    }
  }

  WrittenChanges First(const StoreState& baseline) {
    target_.Publish(baseline, {.schema = {}, .sequences = {}, .shapes = NewShapes()});
    StoreState state = target_.state();
    FindEpochs(nullptr, &state);
    WriteRows();
    target_.Publish(state, Texts());
    return counts_;
  }

  WrittenChanges Next() {
    before_ = target_.state().head_lsn();
    const proto::SchemaVersion schema = target_.SchemaAt(before_);
    StoreState state = target_.state();
    state.BeginPull();
    target_.Publish(state, {.schema = {}, .sequences = {}, .shapes = NewShapes()});
    FindEpochs(&schema, &state);
    log_.Begin(commit_lsn_, wanted_.moment.time_us, 0);
    WriteRows();
    log_.Commit();
    target_.WriteLog(log_.Take(ChangeLogBuilder::Which::kAll));
    const proto::Manifest& theirs = wanted_.store.manifest();
    const StoreState::Fingerprints fingerprints{.schema = theirs.schema_fingerprint(),
                                                .tables = theirs.table_fingerprint(),
                                                .masks = theirs.mask_fingerprint()};
    state.EndPullWithResync(wanted_.lsn, wanted_.moment, fingerprints, StoreState::History::kBroken);
    RowStore::Addition addition = Texts();
    if (schema.SerializeAsString() == schema_.SerializeAsString()) addition.schema.reset();
    target_.Publish(state, addition);
    return counts_;
  }

 private:
  std::vector<proto::Shape> NewShapes() const {
    std::vector<proto::Shape> shapes;
    for (const proto::Table& table : schema_.tables()) {
      if (schema::HasRows(table) && !target_.shapes().Has(table.shape())) {
        shapes.push_back(wanted_.store.shapes().Get(table.shape()));
      }
    }
    return shapes;
  }

  RowStore::Addition Texts() const {
    RowStore::Addition addition;
    addition.schema = {wanted_.lsn, schema_};
    addition.sequences = {wanted_.lsn, wanted_.store.SequencesAt(wanted_.lsn)};
    return addition;
  }

  // Finds the epoch that each table's rows belong to, and begins those that are new.
  void FindEpochs(const proto::SchemaVersion* before, StoreState* state) {
    std::map<TableId, const proto::Table*> known;
    if (before != nullptr) {
      for (const proto::Table& table : before->tables()) known[table.id()] = &table;
    }
    const std::map<TableId, EpochNumber> here = EpochsAt(target_.manifest(), before_);
    std::set<TableId> fresh;
    for (const proto::Table& table : schema_.tables()) {
      if (!schema::HasRows(table)) continue;
      const auto former = known.find(table.id());
      const auto epoch = here.find(table.id());
      const bool goes_on = former != known.end() && epoch != here.end() && schema::HasRows(*former->second) &&
                           KeysAgree(*former->second, table, target_.shapes());
      if (goes_on) {
        in_epoch_[table.id()] = epoch->second;
      } else {
        fresh.insert(table.id());
      }
    }
    if (before != nullptr) target_.DropUnlistedEpochs(fresh);
    for (const TableId table : fresh) {
      const EpochNumber number = state->ReserveEpoch(table);
      state->AddEpoch(table, number, commit_lsn_);
      in_epoch_[table] = number;
    }
    fresh_ = std::move(fresh);
  }

  void WriteRows() {
    progress_.Begin("writing the subset", Progress::Unit::kRows, 0);
    for (const proto::Table& table : schema_.tables()) {
      interrupt_.Check();
      if (!schema::HasRows(table)) continue;
      progress_.Detail(table.quoted_name());
      WriteTable(table);
    }
    Flush();
    progress_.End();
  }

  template <typename Read>
  static auto FromSource(const Read& read) {
    try {
      return read();
    } catch (const Error& error) {
      if (error.code() == ErrorCode::kCorrupt) throw SourceDamaged(error);
      throw;
    }
  }

  void WriteTable(const proto::Table& table) {
    using Rows = ChosenScan::Rows;
    const Rows rows = schema::IsMultiset(table) ? Rows::kMultiset : Rows::kOneOfAKey;
    const ChosenTable* chosen = nullptr;
    if (wanted_.rows.whole.count(table.id()) == 0) {
      const auto found = wanted_.rows.tables.find(table.id());
      chosen = found == wanted_.rows.tables.end() ? &kNone : &found->second;
    }
    const ScanRequest there{.table = table.id(),
                            .epoch = EpochOf(epochs_, table, wanted_.lsn),
                            .lsn = wanted_.lsn,
                            .range = {},
                            .shape = table.shape()};
    ChosenScan now = FromSource([&] { return ChosenScan(wanted_.store, there, chosen, rows); });
    const ScanRequest here{
        .table = table.id(), .epoch = in_epoch_.at(table.id()), .lsn = before_, .range = {}, .shape = table.shape()};
    ChosenScan before(target_, here, fresh_.count(table.id()) > 0 ? &kNone : nullptr, rows);
    Merge(table, &before, &now);
  }

  void Merge(const proto::Table& table, ChosenScan* before, ChosenScan* now) {
    using Change = ChangeLogBuilder::Change;
    bool is_before = before->Next();
    bool is_now = FromSource([&] { return now->Next(); });
    while (is_before || is_now) {
      Look();
      const int order = !is_before ? 1 : !is_now ? -1 : before->key().compare(now->key());
      if (order < 0) {
        Put(table, before->key(), {.kind = RowVersion::Kind::kTombstone, .shape = 0, .count = 1, .text = {}});
        for (uint32_t i = 0; i < before->count(); ++i) Log(table, Change::kDelete, before->key());
        counts_.deleted += before->count();
      } else {
        counts_.rows += now->count();
        const uint32_t had = order == 0 ? before->count() : 0;
        if (order > 0 || before->count() != now->count() || before->line() != now->line()) {
          Put(table, now->key(),
              {.kind = RowVersion::Kind::kRow, .shape = table.shape(), .count = now->count(), .text = now->line()});
          LogWritten(table, *now, had);
        }
      }
      if (order <= 0) is_before = before->Next();
      if (order >= 0) is_now = FromSource([&] { return now->Next(); });
    }
  }

  // Logs rows of which there were `had` of this key before.
  void LogWritten(const proto::Table& table, const ChosenScan& now, uint32_t had) {
    using Change = ChangeLogBuilder::Change;
    if (had == now.count()) {
      Log(table, Change::kUpdate, now.key());
      ++counts_.updated;
    }
    for (uint32_t i = had; i < now.count(); ++i) Log(table, Change::kInsert, now.key());
    for (uint32_t i = now.count(); i < had; ++i) Log(table, Change::kDelete, now.key());
    counts_.inserted += now.count() - std::min(had, now.count());
    counts_.deleted += had - std::min(had, now.count());
  }

  // A table that is new here is not in the change log, like one that a pull has copied.
  void Log(const proto::Table& table, ChangeLogBuilder::Change change, std::string_view key) {
    if (before_ == Lsn() || fresh_.count(table.id()) > 0) return;
    log_.Add(table.id(), in_epoch_.at(table.id()), change, key);
  }

  void Put(const proto::Table& table, std::string_view key, const RowVersion& version) {
    // The rows of a new epoch come once, in the order of their keys.
    const auto place = fresh_.count(table.id()) > 0 ? PageBuffer::Place::kPage : PageBuffer::Place::kSingle;
    buffer_->Put({.table = table.id(), .epoch = in_epoch_.at(table.id()), .row_key = key, .commit_lsn = commit_lsn_},
                 version, place);
    if (buffer_->bytes() >= kBufferBytes) Flush();
  }

  void Flush() {
    buffer_->EndPage();
    target_.WritePages(*buffer_);
    target_.WriteLog(log_.Take(ChangeLogBuilder::Which::kComplete));
    buffer_ = std::make_unique<PageBuffer>();
  }

  void Look() {
    if (++looked_at_ % kMergedBetweenLooks != 0) return;
    interrupt_.Check();
    progress_.Update(looked_at_);
  }

  static inline const ChosenTable kNone = {};

  const SubsetState& wanted_;
  RowStore& target_;
  Progress& progress_;
  const Interrupt& interrupt_;
  proto::SchemaVersion schema_;
  const std::map<TableId, EpochNumber> epochs_;  // Of the source's store.
  const Lsn commit_lsn_;
  Lsn before_;  // The head of the target.
  std::map<TableId, EpochNumber> in_epoch_;
  std::set<TableId> fresh_;  // Tables whose epoch is new.
  ChangeLogBuilder log_;
  std::unique_ptr<PageBuffer> buffer_ = std::make_unique<PageBuffer>();
  uint64_t looked_at_ = 0;
  WrittenChanges counts_;
};

}  // namespace

WrittenChanges WriteFirstSubset(const SubsetState& state, const StoreState& baseline, RowStore& target,
                                Progress& progress, const Interrupt& interrupt) {
  return SubsetWriter(state, target, progress, interrupt).First(baseline);
}

WrittenChanges WriteNextSubset(const SubsetState& state, RowStore& target, Progress& progress,
                               const Interrupt& interrupt) {
  return SubsetWriter(state, target, progress, interrupt).Next();
}

}  // namespace rotv::subset
