#include "sync/stored_names.h"

#include <algorithm>
#include <memory>

#include "storage/row_store.h"
#include "storage/source_records.h"
#include "sync/context/open_workspace.h"
#include "sync/schema/follow.h"

namespace rotv {

std::vector<std::string> SnapshotNames(const Context& context) {
  if (!HasBaseline(context.home, context.source.name)) return {};
  const Workspace workspace = OpenWorkspace(context, "complete", Access::kRead);
  std::vector<std::filesystem::path> paths = workspace.KeptStorePaths();
  paths.push_back(workspace.CurrentStorePath());
  std::vector<std::string> names;
  for (const std::filesystem::path& path : paths) {
    const std::unique_ptr<RowStore> store = RowStore::Open(path, RowStore::Mode::kReadOnly);
    for (const proto::Snapshot& snapshot : store->manifest().snapshots()) names.push_back(snapshot.name());
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<std::string> TableNames(const Context& context) {
  if (!HasBaseline(context.home, context.source.name)) return {};
  const Workspace workspace = OpenWorkspace(context, "complete", Access::kRead);
  const std::unique_ptr<RowStore> store = RowStore::Open(workspace.CurrentStorePath(), RowStore::Mode::kReadOnly);
  const proto::SchemaVersion schema = store->SchemaAt(Lsn(store->manifest().head_lsn()));
  std::vector<std::string> names;
  for (const proto::Table& table : schema.tables()) {
    // The server's own, where large objects are, is no table of the user's.
    if (schema::HasRows(table) && table.schema() != "pg_catalog") names.push_back(table.quoted_name());
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace rotv
