#include "sync/detach.h"

#include <fmt/format.h>

#include "storage/row_store.h"
#include "sync/capture/reconnecting.h"
#include "sync/context/link_retry.h"
#include "sync/context/open_workspace.h"
#include "sync/postgres/source_session.h"
#include "sync/postgres/standby.h"

namespace rotv {
namespace {

// Returns the source that the store was made from.
proto::SourceIdentity MarkDetached(const Workspace& workspace) {
  std::unique_ptr<RowStore> store = RowStore::Open(workspace.CurrentStorePath(), RowStore::Mode::kReadWrite);
  StoreState state = store->state();
  state.Detach();
  store->Publish(state, {});
  return state.manifest().source();
}

// A promotion leaves the slot on the former primary, where it holds back WAL once that server runs again.
std::string FormerPrimaryText(const proto::SourceIdentity& then, const std::string& slot,
                              postgres::PgConnection& connection) {
  if (postgres::IsStandby(connection)) return "";
  const proto::SourceIdentity now = postgres::ReadIdentity(connection);
  if (now.system_id() != then.system_id() || now.timeline() == then.timeline()) return "";
  return fmt::format(
      "the source was promoted since the baseline (timeline {}, then {}): if the former primary still runs, the slot "
      "is "
      "still there: {}",
      now.timeline(), then.timeline(), postgres::SlotRemovalSql(slot));
}

}  // namespace

DetachResult Detach(const Context& context) {
  DetachResult result;
  Workspace workspace = OpenWorkspace(context, "detach");
  LinkRetry retry(context);
  capture::RunReconnecting(workspace, context, retry, [&](postgres::SourceSession& session) {
    // The mark comes before anything is removed: if this run is killed, the next command that reaches the source
    // finishes it.
    if (workspace.current() && !workspace.current()->detached()) {
      const proto::SourceIdentity then = MarkDetached(workspace);
      result.former_primary = FormerPrimaryText(then, workspace.current()->objects().slot(), session.connection());
      workspace.SetDetached();
    }
    workspace.DropUnfinished();  // Without its slot it cannot go on.
    postgres::Removal removal = postgres::RemoveLeftovers(session, workspace, postgres::Reach::kAnywhere);
    result.removed = std::move(removal.removed);
    result.left = std::move(removal.left);
    result.unrecorded.clear();
    for (postgres::FoundObject& found : postgres::FindObjects(session, postgres::Scope::kEveryDatabase)) {
      if (found.whose == postgres::FoundObject::Whose::kOurs) result.unrecorded.push_back(std::move(found));
    }
  });
  return result;
}

std::optional<SourceConfig> FormerSource(const std::filesystem::path& home, const std::string& name) {
  for (const RecordedObjects& record : AllRecordedObjects(home)) {
    if (record.source != name || !record.objects.has_way()) continue;
    SourceConfig source = postgres::SourceAtPlace({}, record.objects);
    source.name = name;
    return source;
  }
  return std::nullopt;
}

}  // namespace rotv
