#include "sync/detach.h"

#include "storage/row_store.h"
#include "sync/context/open_workspace.h"

namespace rotv {
namespace {

void MarkDetached(const Workspace& workspace) {
  std::unique_ptr<RowStore> store = RowStore::Open(workspace.CurrentStorePath(), RowStore::Mode::kReadWrite);
  StoreState state = store->state();
  state.Detach();
  store->Publish(state, {});
}

}  // namespace

DetachResult Detach(const Context& context) {
  DetachResult result;
  Workspace workspace = OpenWorkspace(context, "detach");
  postgres::SourceSession session(context, workspace.RunDirectory());
  // The mark comes before anything is removed: if this run is killed, the next command that reaches the source finishes
  // it.
  if (workspace.current() && !workspace.current()->detached()) {
    MarkDetached(workspace);
    workspace.SetDetached();
  }
  workspace.DropUnfinished();  // Without its slot it cannot go on.
  postgres::Removal removal = postgres::RemoveLeftovers(session, workspace, postgres::Reach::kAnywhere);
  result.removed = std::move(removal.removed);
  result.left = std::move(removal.left);
  for (postgres::FoundObject& found : postgres::FindObjects(session, postgres::Scope::kEveryDatabase)) {
    if (found.whose == postgres::FoundObject::Whose::kOurs) result.unrecorded.push_back(std::move(found));
  }
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
