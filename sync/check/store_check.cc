#include "sync/check/store_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <utility>

#include "storage/corrupt.h"
#include "storage/epochs.h"
#include "storage/error.h"
#include "storage/row_page.h"
#include "storage/row_store.h"
#include "storage/store_seal.h"
#include "storage/view_path.h"
#include "sync/check/entry_check.h"
#include "sync/check/metadata_check.h"
#include "sync/schema/follow.h"

// A store is opened as every command opens it, which holds RocksDB's own files against the seal. If that fails, it is
// opened once more in a way that looks away from damaged tables, to learn which tables there are: then each is examined
// by itself, and the damage has a name. Only what cannot be opened in this way either is damage of the store as a
// whole.

namespace rotv::check {
namespace {

namespace fs = std::filesystem;
using Content = DataFile::Content;

constexpr uint64_t kEntriesBetweenLooks = 4096;

class StoreCheck {
 public:
  StoreCheck(const StoreCheckRequest& request, Progress& progress, const Interrupt& interrupt)
      : request_(request), progress_(progress), interrupt_(interrupt) {
    report_.path = request.path;
  }

  StoreReport Run() {
    const std::optional<std::string> refusal = Open();
    if (!store_) return std::move(report_);
    report_.bytes = store_->DiskBytes();
    CheckFiles();
    if (refusal && report_.findings.empty()) AddStoreFinding(*refusal);
    CheckSealAge();
    CheckMetadata();
    FindLostStates();
    return std::move(report_);
  }

 private:
  // Returns why commands refuse the store, if they do.
  std::optional<std::string> Open() {
    std::string refusal;
    for (const RowStore::Mode mode : {RowStore::Mode::kReadOnly, RowStore::Mode::kInspect}) {
      try {
        store_ = RowStore::Open(request_.path, mode);
        return refusal.empty() ? std::nullopt : std::optional(refusal);
      } catch (const Error& error) {
        // RocksDB cannot tell a file that is missing from one that cannot be read.
        if (error.code() != ErrorCode::kCorrupt && error.code() != ErrorCode::kDisk) throw;
        refusal = error.what();
      }
    }
    AddStoreFinding(refusal);
    return refusal;
  }

  void AddStoreFinding(std::string problem) {
    const std::string prefix = WithoutViews(fmt::format("the store in {} is damaged: ", request_.path.string()));
    if (problem.starts_with(prefix)) problem.erase(0, prefix.size());
    report_.findings.push_back({.file = request_.path,
                                .problem = std::move(problem),
                                .meaning = "nothing in this store can be used",
                                .fix = Fix::kBaseline});
  }

  void CheckFiles() {
    const std::vector<DataFile> files = store_->DataFiles();
    const std::set<std::string> chosen = Choose(files);
    uint64_t total = 0;
    for (const DataFile& file : files) total += chosen.count(file.name) > 0 ? file.bytes : 0;
    progress_.Begin(chosen.empty() ? "checking files" : "reading all data", Progress::Unit::kBytes, total);
    for (const DataFile& file : files) {
      interrupt_.Check();
      progress_.Detail(file.name);
      ++report_.files;
      std::optional<std::string> damage;
      if (chosen.count(file.name) > 0) {
        damage = ReadFile(file);
        ++report_.files_read;
        report_.bytes_read += file.bytes;
      } else {
        damage = FindDamage(request_.path, file);
      }
      if (damage) AddFileFinding(file, *damage);
      progress_.Update(report_.bytes_read);
    }
    progress_.End();
  }

  std::set<std::string> Choose(const std::vector<DataFile>& files) const {
    std::vector<std::string> names;
    for (const DataFile& file : files) names.push_back(file.name);
    std::shuffle(names.begin(), names.end(), std::mt19937_64(std::random_device()()));
    const size_t wanted = (names.size() * static_cast<size_t>(request_.read_percent) + 99) / 100;
    return {names.begin(), names.begin() + static_cast<std::ptrdiff_t>(wanted)};
  }

  std::optional<std::string> ReadFile(const DataFile& file) {
    uint64_t entries = 0, wrong = 0;
    std::string first_wrong;
    EntryCheck::Memory memory;
    std::string page_before;
    std::optional<std::string> damage =
        FindDamageByReading(request_.path, file, [&](std::string_view key, std::string_view value) {
          if (++entries % kEntriesBetweenLooks == 0) interrupt_.Check();
          if (entry_check() == nullptr) return;
          try {
            if (file.content == Content::kRows) {
              entry_check()->Version(DecodeVersionKey(key), DecodeRowVersion(value), &memory);
            } else if (file.content == Content::kPages) {
              CheckPage(key, value, page_before, &memory);
              page_before = key;
            }
          } catch (const Error& error) {
            if (wrong++ == 0) first_wrong = error.what();
          }
        });
    if (damage || wrong == 0) return damage;
    return fmt::format("{} of its {} entries are not what was written, the first: {}", wrong, entries, first_wrong);
  }

  void CheckPage(std::string_view key, std::string_view value, const std::string& before, EntryCheck::Memory* memory) {
    PageReader page;
    std::string last = before;  // Pages do not overlap.
    for (page.Open(key, value); !page.AtEnd(); page.Next()) {
      if (page.key() <= last) ThrowCorrupt("a page whose rows are out of order");
      last = page.key();
      entry_check()->Version(DecodeVersionKey(last), page.version(), memory);
    }
  }

  // Null if the schemas cannot be read.
  EntryCheck* entry_check() {
    if (!entry_check_ && !schemas_are_damaged_) {
      try {
        entry_check_.emplace(*store_);
      } catch (const Error& error) {
        if (error.code() == ErrorCode::kInterrupted) throw;
        schemas_are_damaged_ = true;
      }
    }
    return entry_check_ ? &*entry_check_ : nullptr;
  }

  void AddFileFinding(const DataFile& file, const std::string& damage) {
    Finding finding{.file = request_.path / file.name, .problem = damage};
    unreadable_.insert(file.content);
    switch (file.content) {
      case Content::kRows:
      case Content::kPages:
        DescribeRows(file, &finding);
        break;
      case Content::kChangeLog:
        finding.meaning = "a part of the change log is lost: the log, times for --at, and quick diffs; no rows";
        break;
      case Content::kSchemas:
        finding.meaning = "schemas are lost, without which no rows can be read";
        finding.fix = Fix::kBaseline;
        break;
      case Content::kOther:
        finding.meaning = "descriptions of rows are lost, without which none can be read";
        finding.fix = Fix::kBaseline;
        break;
    }
    if (finding.fix == Fix::kRepair) report_.damaged.push_back(file);
    report_.findings.push_back(std::move(finding));
  }

  void DescribeRows(const DataFile& file, Finding* finding) {
    std::set<TableEpoch> known;
    for (const proto::TableHistory& history : store_->manifest().tables()) {
      for (const proto::Epoch& epoch : history.epochs()) {
        if (!epoch.damaged()) known.insert({history.table(), epoch.number()});
      }
    }
    const std::set<TableEpoch> concerned = EpochsIn(request_.path, file, known);
    std::set<std::string> tables;
    for (const TableEpoch& epoch : concerned) tables.insert(NameOf(epoch.table));
    finding->tables.assign(tables.begin(), tables.end());
    for (const NamedState& state : NamedStates(store_->manifest())) {
      const std::set<TableId> there = TablesAt(state.lsn);
      const auto serves = [&](const auto& of_state) {
        return there.count(of_state.first) > 0 && concerned.count({of_state.first, of_state.second}) > 0;
      };
      const std::map<TableId, EpochNumber> epochs = EpochsAt(store_->manifest(), state.lsn);
      if (std::any_of(epochs.begin(), epochs.end(), serves)) finding->states.push_back(state.name);
    }
    finding->meaning = concerned.empty() ? "no state needs what is in it" : "rows are lost, or older versions of rows";
  }

  // The tables that a state has rows of; none if its schema cannot be read.
  std::set<TableId> TablesAt(Lsn lsn) const {
    std::set<TableId> tables;
    try {
      const proto::SchemaVersion schema = store_->SchemaAt(lsn);
      for (const proto::Table& table : schema.tables()) {
        if (schema::HasRows(table)) tables.insert(table.id());
      }
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kCorrupt) throw;
    }
    return tables;
  }

  std::string NameOf(TableId table) {
    EntryCheck* names = entry_check();
    return names != nullptr ? names->NameOf(table) : fmt::format("table {}", table);
  }

  // The seal is at most one state behind: it is written after each state. An older one was put there.
  void CheckSealAge() {
    const std::optional<Seal> seal = ReadSeal(request_.path);
    const uint64_t state = store_->manifest().state_number();
    if (!seal || seal->state_number + 1 >= state) return;
    report_.findings.push_back(
        {.file = request_.path / "seal",
         .problem = fmt::format("it is of state {}, the store is at {}", seal->state_number, state),
         .meaning = "nothing is lost, but a store that is older than its last state would not be noticed",
         .fix = Fix::kPull});
  }

  void CheckMetadata() {
    for (const std::string& problem : FindContradictions(*store_, unreadable_, interrupt_)) {
      report_.findings.push_back({.file = request_.path,
                                  .problem = problem,
                                  .meaning = "what the store says about itself is wrong",
                                  .fix = Fix::kBaseline});
    }
  }

  void FindLostStates() {
    for (const NamedState& state : NamedStates(store_->manifest())) {
      const std::set<TableId> there = TablesAt(state.lsn);
      std::set<std::string> tables;
      for (const proto::TableHistory& history : store_->manifest().tables()) {
        if (there.count(history.table()) == 0) continue;
        const proto::Epoch* serving = nullptr;
        for (const proto::Epoch& epoch : history.epochs()) {
          if (Lsn(epoch.start_lsn()) < state.lsn) serving = &epoch;
        }
        if (serving != nullptr && serving->damaged()) tables.insert(NameOf(history.table()));
      }
      if (tables.empty()) continue;
      const std::vector<std::string> names(tables.begin(), tables.end());
      if (state.lsn == store_->state().head_lsn()) {
        report_.findings.push_back({.file = request_.path,
                                    .problem = "tables lack rows that a repair could not save",
                                    .meaning = "the next pull copies them from the source",
                                    .tables = names,
                                    .states = {state.name},
                                    .fix = Fix::kPull});
      } else {
        report_.lost.push_back({state.name, names});
      }
    }
  }

  const StoreCheckRequest& request_;
  Progress& progress_;
  const Interrupt& interrupt_;
  StoreReport report_;
  std::unique_ptr<RowStore> store_;
  std::optional<EntryCheck> entry_check_;
  bool schemas_are_damaged_ = false;
  std::set<Content> unreadable_;
};

}  // namespace

StoreReport CheckStore(const StoreCheckRequest& request, Progress& progress, const Interrupt& interrupt) {
  return StoreCheck(request, progress, interrupt).Run();
}

}  // namespace rotv::check
