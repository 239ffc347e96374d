#include "sync/detach.h"

#include "storage/row_store.h"
#include "sync/open_workspace.h"
#include "sync/source_session.h"

namespace rotv {

DetachResult Detach(const Context& context) {
  DetachResult result;
  Workspace workspace = OpenWorkspace(context, "detach");
  std::vector<proto::OwnedObjects> objects = workspace.Leftovers();
  if (workspace.current()) objects.push_back(workspace.current()->objects());
  if (objects.empty()) return result;
  SourceSession session(context, workspace.RunDirectory());
  for (const proto::OwnedObjects& owned : objects) {
    for (std::string& dropped : DropObjects(session.connection(), owned, context.interrupt)) {
      result.removed.push_back(std::move(dropped));
    }
    workspace.RemoveOwned(owned);
  }
  if (!workspace.current()) return result;
  std::unique_ptr<RowStore> store = RowStore::Open(workspace.CurrentStorePath(), RowStore::Mode::kReadWrite);
  proto::Manifest manifest = store->manifest();
  manifest.set_detached(true);
  store->Publish(manifest, {});
  return result;
}

}  // namespace rotv
