#include "sync/context/open_workspace.h"

#include <fmt/format.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <thread>

namespace rotv {
namespace {

constexpr std::string_view kScheduled = "scheduled ";  // Precedes the command's name in the lock file.

bool IsScheduled(const SourceInUse& in_use) { return in_use.holder().find(kScheduled) != std::string::npos; }

bool IsAt(const proto::SourceWay& way, const SourceConfig& source) {
  return way.ssh() == source.ssh && way.container() == source.container && way.host() == source.host &&
         way.port() == source.port && way.database() == source.database && way.user() == source.user &&
         way.url() == (source.remote.empty() ? source.url : source.remote);
}

// Two projects that follow different databases under one name must not share a store. One project whose database has
// moved may: the pull looks at who answers there.
void RequireOneProject(const Workspace& workspace, const SourceConfig& source, const proto::OwnedObjects& objects) {
  if (!objects.has_way()) return;
  const std::string& file = objects.way().config_file();
  if (file.empty() || source.config_file.empty() || file == source.config_file || IsAt(objects.way(), source)) return;
  if (std::error_code ignored; !std::filesystem::exists(file, ignored)) return;  // The project was moved.
  throw Error(
      ErrorCode::kUsage,
      fmt::format("the store of source {} in {} belongs to {}, which follows database {} of {}; {} names another",
                  source.name, workspace.directory().string(), file, objects.database(), objects.description(),
                  source.config_file),
      "give the source another name in one of the two files, or use another home for one: --home DIR, ROTV_HOME");
}

// Calls `open` with the name of this run until it does not throw SourceInUse, where it is right to wait.
template <typename Open>
auto OpenInTurn(const Context& context, const std::string& command, const Open& open) {
  const std::string name = context.scheduled ? std::string(kScheduled) + command : command;
  bool told = false;
  while (true) {
    try {
      return open(name);
    } catch (const SourceInUse& in_use) {
      if (!context.scheduled && !IsScheduled(in_use)) throw;
      if (!told) context.progress.Warn(fmt::format("waiting for the other run to end: {}", in_use.what()));
      told = true;
    }
    context.interrupt.Check();
    std::this_thread::sleep_for(std::chrono::milliseconds(Interrupt::kPollMs));
  }
}

}  // namespace

Workspace OpenWorkspace(const Context& context, const std::string& command, Access access) {
  Workspace workspace = OpenWorkspace(context, command, context.source.name, access);
  if (workspace.current()) RequireOneProject(workspace, context.source, workspace.current()->objects());
  if (workspace.unfinished()) RequireOneProject(workspace, context.source, workspace.unfinished()->objects());
  return workspace;
}

Workspace OpenWorkspace(const Context& context, const std::string& command, const std::string& source_name,
                        Access access) {
  return OpenInTurn(context, command, [&](const std::string& name) {
    Workspace workspace(context.home, source_name, name, access);
    WarnOfStoresThatStay(workspace, context.progress);
    if (!workspace.unfinished_problem().empty()) {
      context.progress.Warn(
          fmt::format("an unfinished baseline is damaged, and was removed: {}", workspace.unfinished_problem()));
    }
    return workspace;
  });
}

SourceLock LockSource(const Context& context, const std::string& command) {
  const std::filesystem::path directory = SourceDirectory(context.home, context.source.name);
  return OpenInTurn(context, command,
                    [&](const std::string& name) { return SourceLock(directory, name, Access::kRead); });
}

void WarnOfStoresThatStay(const Workspace& workspace, Progress& progress) {
  for (const std::string& store : workspace.not_removed()) {
    progress.Warn(fmt::format("an obsolete store cannot be removed, and takes space: {}", store));
  }
}

}  // namespace rotv
