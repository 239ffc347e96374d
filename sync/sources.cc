#include "sync/sources.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <set>

#include "storage/error.h"
#include "storage/row_store.h"
#include "storage/source_removal.h"
#include "storage/store_view.h"
#include "storage/workspace.h"
#include "sync/check_store.h"
#include "sync/postgres/owned_objects.h"

namespace rotv {
namespace {

namespace fs = std::filesystem;

// A reader's view counts nothing: its files are those of the stores.
uint64_t BytesOfSource(const fs::path& directory) {
  uint64_t bytes = 0;
  std::error_code error;
  for (auto entry = fs::recursive_directory_iterator(directory, error); entry != fs::recursive_directory_iterator();
       entry.increment(error)) {
    if (error) break;
    if (entry->path().filename() == kReadersName) entry.disable_recursion_pending();
    if (entry->is_regular_file(error)) bytes += entry->file_size(error);
  }
  return bytes;
}

void Describe(const fs::path& home, SourceInfo* info) {
  const Workspace workspace(home, info->name, "source list", Access::kRead);
  if (!workspace.current()) return;
  info->stored = true;
  info->imported = workspace.current()->imported();
  const std::unique_ptr<RowStore> store = RowStore::Open(workspace.CurrentStorePath(), RowStore::Mode::kReadOnly);
  info->detached = store->manifest().detached();
  info->description = store->manifest().description();
  info->head_lsn = store->state().head_lsn();
  info->head_time_us = store->manifest().head_time_us();
  info->snapshots = static_cast<uint64_t>(store->manifest().snapshots_size());
  for (const fs::path& path : workspace.KeptStorePaths()) {
    info->snapshots +=
        static_cast<uint64_t>(RowStore::Open(path, RowStore::Mode::kReadOnly)->manifest().snapshots_size());
  }
}

std::set<std::string> OnServers(const fs::path& home) {
  std::set<std::string> names;
  for (const RecordedObjects& record : AllRecordedObjects(home)) names.insert(record.source);
  return names;
}

}  // namespace

std::vector<SourceInfo> ListSources(const fs::path& home, const std::vector<std::string>& configured) {
  const std::vector<std::string> here = StoredSources(home);
  std::set<std::string> names(here.begin(), here.end());
  names.insert(configured.begin(), configured.end());
  const std::set<std::string> on_servers = OnServers(home);
  std::vector<SourceInfo> sources;
  for (const std::string& name : names) {
    SourceInfo& info = sources.emplace_back();
    info.name = name;
    info.configured = std::count(configured.begin(), configured.end(), name) > 0;
    info.on_server = on_servers.count(name) > 0;
    info.bytes = BytesOfSource(SourceDirectory(home, name));
    try {
      Describe(home, &info);
    } catch (const Error& error) {
      if (error.code() == ErrorCode::kInterrupted || error.code() == ErrorCode::kBug) throw;
      info.problem = error.what();
    }
  }
  return sources;
}

RemovedSource RemoveSource(const fs::path& home, const std::string& name, OnServer on_server) {
  RemovedSource removed{.bytes = BytesOfSource(SourceDirectory(home, name)), .abandoned = {}};
  bool is_known = true;
  try {
    (void)ReadCurrent(home, name);
    (void)ReadOwnedObjects(home, name);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kCorrupt) throw;
    is_known = false;
  }
  for (const RecordedObjects& record : AllRecordedObjects(home)) {
    if (record.source == name) removed.abandoned.push_back(postgres::RemovalSql(record.objects));
  }
  if (on_server == OnServer::kRefuse && (!is_known || !removed.abandoned.empty())) {
    throw Error(ErrorCode::kUsage,
                is_known
                    ? fmt::format("source {} may still have a slot and a publication on its server", name)
                    : fmt::format("what source {} may have on a server is not known: its records are damaged", name),
                fmt::format("rotv-sync --source {0} detach removes them first; rotv-sync source remove {0} --force "
                            "leaves them there",
                            name));
  }
  RemoveStoredSource(home, name, "source remove");
  return removed;
}

}  // namespace rotv
