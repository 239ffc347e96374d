#include "sync/unfinished_baseline.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <ctime>
#include <map>
#include <set>

#include "os/clock.h"
#include "storage/error.h"
#include "sync/capture/pull_target.h"
#include "sync/mask/stored_mask.h"
#include "sync/postgres/large_objects.h"
#include "sync/postgres/owned_objects.h"
#include "sync/schema/follow.h"

namespace rotv {
namespace {

constexpr int64_t kUsPerSecond = 1'000'000;

// Why a baseline cannot go on; empty if it can.
std::string ReasonToStartAnew(postgres::SourceSession& session, const Workspace& workspace, const RowStore& store) {
  const proto::Manifest& manifest = store.manifest();
  if (manifest.slot() != workspace.unfinished()->objects().slot()) return "its store belongs to another slot";
  try {
    capture::AskSourceState(session.connection(), manifest);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kSlotLost) throw;
    return error.what();
  }
  // A new store never holds values as other rules would have left them.
  if (mask::MaskRulesChanged(manifest, store.SchemaAt(store.state().durable_lsn()), session.context())) {
    return "the masking rules, or their secret, have changed";
  }
  return "";
}

void GiveUp(Workspace& workspace, Progress& progress, const std::string& reason) {
  progress.Warn(fmt::format("the unfinished baseline of {} cannot go on, and is removed: {}",
                            BegunText(*workspace.unfinished()), reason));
  workspace.DropUnfinished();
}

}  // namespace

BaselineProgress ProgressOf(const RowStore& store) {
  const proto::Manifest& manifest = store.manifest();
  const std::set<TableId> waiting(manifest.must_copy().begin(), manifest.must_copy().end());
  std::map<TableId, const proto::TableHistory*> histories;
  for (const proto::TableHistory& history : manifest.tables()) histories[history.table()] = &history;
  BaselineProgress progress;
  const proto::SchemaVersion schema = store.SchemaAt(store.state().durable_lsn());
  for (const proto::Table& table : schema.tables()) {
    if (!schema::HasRows(table)) continue;
    const bool counts = table.id() != postgres::kLargeObjectTable;
    const auto history = histories.find(table.id());
    if (counts) ++progress.tables;
    if (history == histories.end() || waiting.count(table.id()) != 0) continue;
    if (counts) ++progress.complete;
    if (counts) progress.rows += history->second->copied_rows();
    progress.row_bytes += history->second->copied_bytes();
  }
  return progress;
}

std::string ProgressText(const BaselineProgress& progress) {
  return fmt::format("{} of {} tables {} here", progress.complete, progress.tables,
                     progress.complete == 1 ? "is" : "are");
}

std::string BegunText(const proto::UnfinishedBaseline& unfinished) {
  const auto local = [](int64_t us) {
    const std::time_t seconds = us / kUsPerSecond;
    std::tm parts{};
    localtime_r(&seconds, &parts);
    return parts;
  };
  const std::tm begun = local(unfinished.begun_us());
  const std::tm now = local(os::NowMicroseconds());
  const bool today = begun.tm_year == now.tm_year && begun.tm_yday == now.tm_yday;
  return today ? fmt::format("{:%H:%M}", begun) : fmt::format("{:%Y-%m-%d %H:%M}", begun);
}

std::string WaysOnText(const Workspace& workspace) {
  return workspace.current() ? "rotv-sync baseline --force goes on with it, rotv-sync baseline --discard gives it up"
                             : "rotv-sync pull goes on with it, rotv-sync baseline --discard gives it up";
}

std::unique_ptr<RowStore> TakeUpUnfinished(postgres::SourceSession& session, Workspace& workspace) {
  if (!workspace.unfinished()) return nullptr;
  Progress& progress = session.context().progress;
  std::string reason;
  try {
    std::unique_ptr<RowStore> store = RowStore::Open(workspace.UnfinishedStorePath(), RowStore::Mode::kReadWrite);
    reason = ReasonToStartAnew(session, workspace, *store);
    if (reason.empty()) {
      progress.Say(fmt::format("going on with the baseline of {}: {}", BegunText(*workspace.unfinished()),
                               ProgressText(ProgressOf(*store))));
      return store;
    }
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kCorrupt) throw;
    reason = error.what();
  }
  GiveUp(workspace, progress, reason);
  return nullptr;
}

void RemoveLostUnfinished(postgres::SourceSession& session, Workspace& workspace, const RowStore& store) {
  try {
    // A command that only looks at another server, by whatever mistake, ends nothing.
    const proto::SourceIdentity here = postgres::ReadIdentity(session.connection());
    const proto::SourceIdentity& known = store.manifest().source();
    if (here.system_id() != known.system_id() || here.database_oid() != known.database_oid()) return;
    capture::AskSourceState(session.connection(), store.manifest());
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kSlotLost) throw;
    GiveUp(workspace, session.context().progress, error.what());
    postgres::RemoveAndTellLeftovers(session, workspace);
  }
}

void TellUnfinished(postgres::SourceSession& session, Workspace& workspace) {
  if (!workspace.unfinished()) return;
  RemoveLostUnfinished(session, workspace, *RowStore::Open(workspace.UnfinishedStorePath(), RowStore::Mode::kReadOnly));
  if (!workspace.unfinished()) return;
  session.context().progress.Warn(
      fmt::format("the baseline of {} is not finished, and its slot {} holds back WAL on the source: {}",
                  BegunText(*workspace.unfinished()), workspace.unfinished()->objects().slot(), WaysOnText(workspace)));
}

}  // namespace rotv
