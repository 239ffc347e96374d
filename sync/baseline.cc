#include "sync/baseline.h"

#include <fmt/format.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <utility>

#include "os/clock.h"
#include "storage/error.h"
#include "storage/row_store.h"
#include "sync/baseline_attempt.h"
#include "sync/capture/reconnecting.h"
#include "sync/context/link_retry.h"
#include "sync/context/open_workspace.h"
#include "sync/context/require_server.h"
#include "sync/mask/stored_mask.h"
#include "sync/postgres/owned_objects.h"
#include "sync/postgres/source_session.h"
#include "sync/postgres/standby.h"
#include "sync/unfinished_baseline.h"

namespace rotv {

// A baseline is built beside the store in use, from the exported snapshot of a new permanent slot, and becomes the
// store in use by the rename of one small file. How it is copied is said in baseline_attempt.cc.
//
// A link that breaks ends an attempt, and the next one goes on over a new session with what is complete, as the next
// run would: both take up what the workspace has. Where no table is complete there is nothing to go on with: store,
// slot and publication are removed, by the next attempt before it makes new ones, by this run at its end, or by the
// next command. So there are never two slots of one baseline.

namespace {

using Clock = std::chrono::steady_clock;

class BaselineRun {
 public:
  BaselineRun(const Context& context, const BaselineOptions& options, Workspace& workspace)
      : context_(context),
        options_(options),
        workspace_(workspace),
        retry_(context),
        sessions_(workspace, context, retry_) {}

  BaselineResult Run() {
    if (options_.unfinished == Unfinished::kRestart) workspace_.DropUnfinished();
    try {
      TakeReconnecting();
    } catch (const Error& error) {
      EndUnfinished(error.code());
      throw;
    } catch (...) {
      EndUnfinished(ErrorCode::kBug);
      throw;
    }
    result_.wire_bytes = sessions_.wire_bytes();
    result_.reconnects = retry_.retries();
    result_.seconds = os::SecondsSince(*start_);
    return result_;
  }

 private:
  // How far the store of a baseline has come. What is durable need not be received again, but counts only while the
  // baseline stays where it is: else the little that a source writes all the time would count in each attempt.
  struct Reached : BaselineProgress {
    Lsn baseline;
    Lsn durable;
  };
  static Reached ReachedBy(const RowStore& store) {
    return {ProgressOf(store), Lsn(store.manifest().baseline_lsn()), store.state().durable_lsn()};
  }

  void TakeReconnecting() {
    for (;;) {
      try {
        return sessions_.Make([this](postgres::SourceSession& session) { TakeOver(session); });
      } catch (const LinkError& error) {
        if (EndAttempt()) retry_.Progressed();
        goes_on_ = reached_.complete > 0;
        retry_.Wait(error);
      }
    }
  }

  void TakeOver(postgres::SourceSession& session) {
    if (!start_) start_ = Clock::now();
    postgres::RequirePrimary(session);
    if (!concluded_) {
      TakeUp(session);
      BaselineAttempt(session, workspace_, OptionsOfAttempt(), store_, counts_).Run();
      Conclude();
    }
    postgres::ReportRemoval(postgres::RemoveLeftovers(session, workspace_, postgres::Reach::kAnywhere),
                            context_.progress);
  }

  // Begins an attempt: opens what there is of a baseline, and makes room for a new one if there is nothing to go on
  // with.
  void TakeUp(postgres::SourceSession& session) {
    const bool first = attempts_ == 0;
    if (first) fate_of_old_store_ = FateOfOldStore();
    if (!first && reached_.complete == 0) Drop();
    store_ = TakeUpUnfinished(session, workspace_);
    in_attempt_ = true;
    ++attempts_;
    goes_on_ = store_ != nullptr;
    reached_ = store_ ? ReachedBy(*store_) : Reached();
    if (first || !goes_on_) {
      result_.went_on = goes_on_;
      result_.tables_kept = reached_.complete;
    }
    postgres::RemoveAndTellLeftovers(session, workspace_);
    dropped_.clear();
  }

  BaselineAttempt::Options OptionsOfAttempt() const {
    using Warnings = postgres::SourceSession::Warnings;
    // Once a baseline has begun, the user has decided about the limit.
    return {.wal_limit = goes_on_ ? capture::WalLimit::kUnlimitedAllowed : options_.wal_limit,
            .warnings = attempts_ == 1 ? Warnings::kSay : Warnings::kKeep};
  }

  // Closes the store after an attempt that failed, and notes what it has left. True if the next one has less to do.
  bool EndAttempt() {
    if (!std::exchange(in_attempt_, false)) return false;  // It has changed nothing.
    const Reached before = reached_;
    reached_ = store_ ? ReachedBy(*store_) : Reached();
    store_.reset();
    const bool streamed = goes_on_ && reached_.baseline == before.baseline && reached_.durable > before.durable;
    return reached_.complete > before.complete || streamed;
  }

  // Makes the complete store the one in use.
  void Conclude() {
    CountResult();
    const std::filesystem::path store_path = workspace_.UnfinishedStorePath();
    const proto::OwnedObjects objects = workspace_.unfinished()->objects();
    store_.reset();
    if (InUse()) workspace_.AddOwned(workspace_.current()->objects());
    workspace_.SetCurrent(store_path, objects, fate_of_old_store_);
    in_attempt_ = false;
    concluded_ = true;
    if (!not_deleted_.empty()) context_.progress.Warn(not_deleted_);
    WarnOfStoresThatStay(workspace_, context_.progress);
  }

  // The objects of a detached store on the source have been removed, or are recorded already.
  bool InUse() const { return workspace_.current() && !workspace_.current()->detached(); }

  // The old store's snapshots outlive it. One that cannot be read stays, but nothing uses it: somebody may be able to.
  // This is asked at the beginning, since a failure to read it at the end would make its snapshots nobody's.
  Workspace::Before FateOfOldStore() {
    if (!workspace_.current()) return Workspace::Before::kDelete;
    try {
      std::unique_ptr<RowStore> old = RowStore::Open(workspace_.CurrentStorePath(), RowStore::Mode::kReadOnly);
      return old->manifest().snapshots_size() > 0 ? Workspace::Before::kKeep : Workspace::Before::kDelete;
    } catch (const Error& error) {
      not_deleted_ = fmt::format("the replaced store cannot be read ({}), and was not deleted: {}", error.what(),
                                 workspace_.CurrentStorePath().string());
      return Workspace::Before::kLeave;
    }
  }

  void CountResult() {
    const BaselineProgress progress = ProgressOf(*store_);
    const Lsn lsn(store_->manifest().baseline_lsn());
    result_.lsn = lsn;
    result_.tables = progress.tables;
    result_.rows = progress.rows;
    result_.row_bytes = progress.row_bytes;
    result_.rows_copied = counts_.rows;
    result_.carried_masks = mask::CarriedMasks(store_->SchemaAt(lsn).mask_record());
    result_.store_bytes = store_->DiskBytes();
  }

  // After the last attempt has failed: keeps what is complete, for the next run, or removes what this one has made.
  void EndUnfinished(ErrorCode code) {
    EndAttempt();
    if (attempts_ == 0) return;
    // What failed may be what came after the store had become the one in use.
    if (!workspace_.unfinished() && dropped_.empty()) return;
    if (reached_.complete == 0 || !CanGoOnAfter(code)) return Remove();
    context_.progress.Warn(
        fmt::format("the baseline is not finished: {}, and slot {} stays on the source and holds back WAL there: {}",
                    ProgressText(reached_), workspace_.unfinished()->objects().slot(), WaysOnText(workspace_)));
  }

  // True if the next run can go on after such a failure. A refusal is no interruption: it ends a baseline, but not what
  // an earlier run or attempt has left of it. After a full disk its space is worth more.
  bool CanGoOnAfter(ErrorCode code) const {
    if (code == ErrorCode::kUnreachable || code == ErrorCode::kInterrupted) return true;
    return goes_on_ && (code == ErrorCode::kRefused || code == ErrorCode::kUsage || code == ErrorCode::kInUse ||
                        code == ErrorCode::kCannotStart);
  }

  // Removes what is here of the baseline; its objects on the source are leftovers then.
  void Drop() {
    if (!workspace_.unfinished()) return;
    dropped_ = workspace_.unfinished()->objects().slot();
    workspace_.DropUnfinished();
  }

  // Removes what was created, as far as the source can be reached: the rest is recorded, and removed by the next run.
  // This opens another session, since the last one may be what has failed.
  void Remove() {
    static const Interrupt kNotInterrupted;  // The interrupt may be the reason for this call.
    try {
      Drop();
      Context context{context_.source, context_.home, context_.progress, kNotInterrupted};
      postgres::SourceSession cleaner(context, workspace_.RunDirectory(), postgres::SourceSession::Connections::kOne,
                                      postgres::SourceSession::Warnings::kKeep);
      postgres::RemoveAndTellLeftovers(cleaner, workspace_);
    } catch (const Error& error) {
      context_.progress.Note(fmt::format("left on the source until the next run: {}", dropped_));
    }
  }

  const Context& context_;
  const BaselineOptions& options_;
  Workspace& workspace_;
  LinkRetry retry_;
  capture::ReconnectingSessions sessions_;
  std::optional<Clock::time_point> start_;  // When the source was first reached.
  int attempts_ = 0;
  bool in_attempt_ = false;
  bool goes_on_ = false;     // This attempt, or the next one, has something to go on with.
  Reached reached_;          // At the beginning of this attempt, or at the end of the last one.
  bool concluded_ = false;   // The store is the one in use.
  std::string dropped_;      // The slot of an attempt that is given up and may still be on the source.
  std::string not_deleted_;  // Why the old store stays, if it does.
  Workspace::Before fate_of_old_store_ = Workspace::Before::kLeave;
  std::unique_ptr<RowStore> store_;  // The baseline's, once its first state is published.
  capture::CopyCounts counts_;       // What this run has copied.
  BaselineResult result_;
};

}  // namespace

BaselineResult TakeBaseline(const Context& context, const BaselineOptions& options) {
  RequireServer(context.source);
  Workspace workspace = OpenWorkspace(context, "baseline");
  if (workspace.current() && options.replace == Replace::kRefuse) {
    throw Error(ErrorCode::kUsage, fmt::format("there is a baseline of {} already", context.source.name),
                "rotv-sync pull brings it up to date; rotv-sync baseline --force replaces it");
  }
  return BaselineRun(context, options, workspace).Run();
}

std::optional<std::string> DiscardUnfinished(const Context& context) {
  Workspace workspace = OpenWorkspace(context, "baseline");
  if (!workspace.unfinished()) return std::nullopt;
  const std::string text =
      ProgressText(ProgressOf(*RowStore::Open(workspace.UnfinishedStorePath(), RowStore::Mode::kReadOnly)));
  workspace.DropUnfinished();
  postgres::SourceSession session(context, workspace.RunDirectory());
  postgres::ReportRemoval(postgres::RemoveLeftovers(session, workspace, postgres::Reach::kAnywhere), context.progress);
  return text;
}

std::optional<BaselineResult> TakeMissingBaseline(const Context& context) {
  Workspace workspace = OpenWorkspace(context, "baseline");
  if (workspace.current()) return std::nullopt;
  const BaselineOptions options;
  return BaselineRun(context, options, workspace).Run();
}

}  // namespace rotv
