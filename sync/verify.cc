#include "sync/verify.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <set>

#include "os/clock.h"
#include "storage/epochs.h"
#include "storage/error.h"
#include "sync/capture/catch_up.h"
#include "sync/capture/reconnecting.h"
#include "sync/compact.h"
#include "sync/compare/digest_sql.h"
#include "sync/context/link_retry.h"
#include "sync/context/open_workspace.h"
#include "sync/gc.h"
#include "sync/postgres/fingerprint.h"
#include "sync/pull.h"
#include "sync/schema/follow.h"

namespace rotv {

// Comparing needs one LSN at which both sides have a state. A pull that ends in a resync has exactly that: the exported
// snapshot of its temporary slot and the new head are the same state. So each round is a CatchUp() that keeps the
// snapshot, and migrations are dealt with there; a second way to an exact LSN was refused. The slot itself is dropped
// before the first table is read, since it would hold back WAL for as long as the comparison takes.
//
// There are few rounds because each one settles something: a table that was found equal keeps its verdict, since an
// equal digest proves equality at its LSN whatever has changed later. Only tables that differ, or that a migration has
// moved, enter the next round; a repaired one enters to be proven equal.

namespace {

using Clock = std::chrono::steady_clock;

// The most rounds that are made: one more after each change of the schema, and after each repair to see whether it has
// helped.
constexpr int kMostRounds = 6;

class VerifyRun {
 public:
  VerifyRun(const Context& context, const VerifyRequest& request, LinkRetry& retry)
      : context_(context), request_(request), retry_(retry) {}

  // Compares over one session; after a LinkError the next call goes on with the tables that have no verdict yet.
  VerifyResult Run(postgres::SourceSession& session, RowStore& store) {
    session_ = &session;
    store_ = &store;
    if (!start_) start_ = Clock::now();
    // Before anything is repaired. Nobody is asked about the store until the first round compares.
    std::optional<compare::DigestsAhead> ahead(
        std::in_place, store,
        [this](const proto::Table& table) {
          return verdicts_.count(NameOf(table)) == 0 &&
                 (request_.tables.empty() || std::any_of(request_.tables.begin(), request_.tables.end(),
                                                         [&](const auto& name) { return IsNamed(table, name); }));
        },
        context_.interrupt);
    // An incremental pull, if one is possible, leaves little to stream while the exported snapshot is held.
    Pull(session, store);
    PublishResyncMarks();  // Those that the attempt before could not publish.
    for (int round = 1; !Round(&ahead); ++round) {
      if (round < kMostRounds) continue;
      throw Error(ErrorCode::kUnreachable,
                  fmt::format("the source's schema changed during each of {} attempts to compare it", kMostRounds),
                  "try again when no migration is running on the source");
    }
    for (auto& [name, verdict] : verdicts_) {
      result_.rows += verdict.rows;
      result_.tables.push_back(std::move(verdict));
    }
    // Only now that nobody reads ahead any more.
    CompactIfMuchIsOwed(*store_);
    CollectGarbageIfLarge(context_, *store_);
    result_.compaction_owed = store_->compaction_owed() != CompactionOwed::kNothing;
    result_.lsn = Lsn(store_->manifest().head_lsn());
    result_.seconds = os::SecondsSince(*start_);
    return std::move(result_);
  }

 private:
  // Verdicts are in the order in which a dump has the tables.
  using Name = std::pair<std::string, std::string>;
  static Name NameOf(const proto::Table& table) { return {table.schema(), table.name()}; }
  static bool IsNamed(const proto::Table& table, const std::string& name) {
    return table.quoted_name() == name || table.schema() + "." + table.name() == name;
  }

  // Compares tables that have no verdict yet, with what was read ahead of the first comparison. Returns true once all
  // have one.
  bool Round(std::optional<compare::DigestsAhead>* ahead) {
    StoreState state = store_->state();
    state.BeginPull();
    store_->Publish(state, {});
    postgres::HeldExportedSnapshot snapshot =
        *std::move(capture::CatchUp(*session_, *store_, &state, capture::ExportedSnapshotReading::Texts::kKnown,
                                    capture::AtHead::kHoldExportedSnapshot)
                       .snapshot);
    const proto::SchemaVersion schema = store_->SchemaAt(snapshot.lsn);
    ForgetDropped(schema);
    std::deque<compare::TableCheck> checks = Choose(schema, snapshot.lsn);
    compare::CheckRequest at{.snapshot = snapshot.name, .lsn = snapshot.lsn};
    if (*ahead) {
      (*ahead)->ComeTo(at.lsn);
      at.ahead = &**ahead;
    }
    compare::CheckTables(*session_, *store_, at, &checks);
    at.ahead = nullptr;
    ahead->reset();
    bool all_equal =
        std::all_of(checks.begin(), checks.end(), [](const compare::TableCheck& check) { return check.equal(); });
    std::vector<const compare::TableCheck*> differing;
    for (const compare::TableCheck& check : checks) {
      check.equal() ? NoteEqual(check, at.lsn) : differing.push_back(&check);
    }
    if (all_equal) return true;
    return Explain(differing, at);
  }

  void ForgetDropped(const proto::SchemaVersion& schema) {
    std::set<Name> there;
    for (const proto::Table& table : schema.tables()) there.insert(NameOf(table));
    std::erase_if(verdicts_, [&](const auto& verdict) { return there.count(verdict.first) == 0; });
  }

  std::deque<compare::TableCheck> Choose(const proto::SchemaVersion& schema, Lsn lsn) {
    std::map<TableId, EpochNumber> epochs = EpochsAt(store_->manifest(), lsn);
    if (asked_.empty()) FindAsked(schema);
    std::deque<compare::TableCheck> checks;
    result_.masked.clear();
    result_.in_part.clear();
    for (const proto::Table& table : schema.tables()) {
      Name name = NameOf(table);
      if (!schema::HasRows(table)) continue;
      if (!request_.tables.empty() && asked_.count(name) == 0) continue;
      if (!compare::CanBeCompared(table, store_->shapes().Get(table.shape()))) {
        result_.masked.push_back(table.quoted_name());
        continue;
      }
      if (table.mask().columns_size() > 0) result_.in_part.push_back(table.quoted_name());
      if (verdicts_.count(name) != 0) continue;
      checks.push_back(
          {.table = &table, .epoch = EpochOf(epochs, table, lsn), .stored = {}, .source = {}, .unreadable = {}});
    }
    return checks;
  }

  void FindAsked(const proto::SchemaVersion& schema) {
    for (const std::string& name : request_.tables) {
      auto named = std::find_if(schema.tables().begin(), schema.tables().end(), [&](const proto::Table& table) {
        return schema::HasRows(table) && IsNamed(table, name);
      });
      if (named == schema.tables().end()) {
        throw Error(ErrorCode::kUsage, fmt::format("there is no table {} whose rows are kept", name),
                    "name it with its schema, as public.visits; see rotv-sync status");
      }
      asked_.insert(NameOf(*named));
    }
  }

  void NoteEqual(const compare::TableCheck& check, Lsn lsn) {
    auto before = differed_.find(NameOf(*check.table));
    TableVerdict verdict;
    if (before != differed_.end()) {
      verdict = std::move(before->second);
      verdict.repaired = true;
    }
    verdict.table = check.table->quoted_name();
    verdict.lsn = lsn;
    verdict.rows = check.stored.rows();
    verdict.equal = true;
    retry_.Progressed();
    verdicts_[NameOf(*check.table)] = std::move(verdict);
  }

  // Finds the rows that differ, and repairs them if requested. Returns true if nothing is left to do.
  bool Explain(const std::vector<const compare::TableCheck*>& differing, const compare::CheckRequest& at) {
    context_.progress.Begin("finding differences", Progress::Unit::kItems, differing.size());
    compare::TableExaminer examiner(*session_, *store_, at);
    std::vector<Found> found;
    bool moved = false;
    for (const compare::TableCheck* check : differing) {
      std::optional<compare::TableDifference> difference;
      if (!check->unreadable.empty()) difference.emplace();
      if (!check->moved && !difference) difference = examiner.Examine(*check);
      moved = moved || !difference;
      if (difference) found.push_back({check, *std::move(difference)});
    }
    context_.progress.End();
    // Columns are looked up by name in the catalogue as it is now, so a difference may be due to a migration. What is
    // equal is equal all the same.
    if (moved || SchemaHasChanged()) {
      context_.progress.Note("the source's schema changed in the meantime: comparing the remaining tables again");
      return false;
    }
    bool repairing = false;
    for (Found& table : found) {
      if (request_.repair == Repair::kNo || !RepairOrResync(examiner, table)) {
        RecordVerdict(table, at.lsn);
      } else {
        repairing = true;
      }
    }
    PublishResyncMarks();
    return !repairing;
  }

  struct Found {
    const compare::TableCheck* check;
    compare::TableDifference difference;
  };

  bool SchemaHasChanged() {
    const proto::Manifest& manifest = store_->manifest();
    postgres::Fingerprint now = postgres::ReadFingerprint(session_->connection(), manifest.publication());
    return now.tables != manifest.table_fingerprint();
  }

  TableVerdict VerdictOf(const Found& table, Lsn lsn) const {
    return {.table = table.check->table->quoted_name(),
            .lsn = lsn,
            .rows = table.check->stored.rows(),
            .equal = false,
            .unreadable = table.check->unreadable,
            .difference = table.difference};
  }

  void RecordVerdict(const Found& table, Lsn lsn) {
    Name name = NameOf(*table.check->table);
    auto before = differed_.find(name);
    verdicts_[name] = before != differed_.end() ? before->second : VerdictOf(table, lsn);
  }

  // Repairs by rows first; if that did not help, marks the table for a resync. Returns false if that has not helped
  // either.
  bool RepairOrResync(compare::TableExaminer& examiner, const Found& table) {
    Name name = NameOf(*table.check->table);
    if (copied_.count(name) != 0) return false;
    bool first = differed_.emplace(name, VerdictOf(table, Lsn(store_->manifest().head_lsn()))).second;
    if (first && compare::TableExaminer::CanRepair(*table.check, table.difference)) {
      context_.progress.Note(fmt::format("repairing {}", table.check->table->quoted_name()));
      NoteRepair();
      const bool repaired = examiner.Repair(*table.check, table.difference);
      NoteRepair();
      if (repaired) return true;
    }
    copied_.insert(name);
    to_resync_.insert(table.check->table->id());
    return true;
  }

  void NoteRepair() {
    StoreState state = store_->state();
    state.NoteRepair();
    store_->Publish(state, {});
  }

  // Marks tables for the resync of the next round; if this run is killed, the next pull makes it.
  void PublishResyncMarks() {
    if (to_resync_.empty()) return;
    StoreState state = store_->state();
    for (TableId table : to_resync_) state.MarkForResync(table);
    store_->Publish(state, {});
    to_resync_.clear();
  }

  const Context& context_;
  const VerifyRequest& request_;
  LinkRetry& retry_;
  std::optional<Clock::time_point> start_;
  postgres::SourceSession* session_ = nullptr;  // Of this attempt, like the store.
  RowStore* store_ = nullptr;
  std::set<Name> asked_;
  std::map<Name, TableVerdict> verdicts_;  // Final verdicts.
  std::map<Name, TableVerdict> differed_;  // Tables that were repaired, and are still to be compared again.
  std::set<Name> copied_;
  std::set<TableId> to_resync_;
  VerifyResult result_;
};

}  // namespace

uint64_t VerifyResult::differing() const {
  return static_cast<uint64_t>(
      std::count_if(tables.begin(), tables.end(), [](const TableVerdict& table) { return !table.equal; }));
}

VerifyResult Verify(const Context& context, const VerifyRequest& request) {
  Workspace workspace = OpenWorkspace(context, "verify");
  (void)workspace.CurrentStorePath();  // Without a baseline nobody is asked.
  LinkRetry retry(context);
  VerifyRun run(context, request, retry);
  VerifyResult result;
  const uint64_t wire_bytes = capture::RunReconnecting(
      workspace, context, retry,
      [&](postgres::SourceSession& session, RowStore& store) { result = run.Run(session, store); });
  result.wire_bytes = wire_bytes;
  return result;
}

}  // namespace rotv
