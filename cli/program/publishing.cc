#include "cli/program/publishing.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/config/config.h"
#include "storage/error.h"

namespace rotv::program {

std::vector<RemoteConfig> RemotesOf(const Session& session) { return RemotesOf(session, session.context.source.name); }

std::vector<RemoteConfig> RemotesOf(const Session& session, const std::string& source) {
  std::vector<RemoteConfig> remotes = session.call.config.Remotes();
  std::erase_if(remotes, [&](const RemoteConfig& remote) { return !remote.source.empty() && remote.source != source; });
  return remotes;
}

std::vector<RemoteConfig> RemotesForSnapshot(const Session& session, const std::string& name) {
  const std::string& source = session.context.source.name;
  if (!session.context.source.remote.empty()) {
    throw Error(ErrorCode::kUsage, fmt::format("{} follows a remote, and publishes nothing", source),
                "without --publish the snapshot is this machine's own; others see those of the publisher");
  }
  std::vector<RemoteConfig> remotes = RemotesOf(session);
  std::erase_if(remotes, [](const RemoteConfig& remote) { return !remote.publish; });
  if (remotes.empty()) {
    throw Error(ErrorCode::kUsage, fmt::format("rotv.toml has no remote with publish = true for {}", source),
                "set it in [remotes.NAME], or leave out --publish: rotv-sync publish NAME publishes snapshots too");
  }
  for (const RemoteConfig& remote : remotes) {
    if (PublishesSnapshot(remote, name)) continue;
    throw Error(ErrorCode::kUsage, fmt::format("\"snapshots\" of [remotes.{}] keeps {} back", remote.name, name),
                "choose a name that it lists, or add this one");
  }
  return remotes;
}

}  // namespace rotv::program
