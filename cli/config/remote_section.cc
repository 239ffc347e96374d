#include "cli/config/remote_section.h"

#include <fmt/format.h>

#include "storage/workspace.h"

namespace rotv::config {
namespace {

RemoteConfig ReadOne(const toml::key& name, const toml::table& table, const ConfigValues& values) {
  RemoteConfig remote;
  remote.name = name.str();
  for (const auto& [key, node] : table) {
    if (key.str() == "url") {
      remote.url = RemoteUrl(key, values.Text(key, node), values);
    } else if (key.str() == "source") {
      remote.source = values.Text(key, node);
    } else if (key.str() == "publish") {
      remote.publish = values.Flag(key, node);
    } else if (key.str() == "require_mask") {
      remote.require_mask = values.Flag(key, node);
    } else if (key.str() == "keep_days") {
      remote.keep_days = values.Days(key, node);
    } else {
      values.FailOnUnknown(key, fmt::format("[remotes.{}]", remote.name),
                           {"url", "source", "publish", "require_mask", "keep_days"});
    }
  }
  if (remote.url.empty()) {
    values.Fail(name.source(), fmt::format("[remotes.{}] has no url", remote.name),
                "say where it is: url = \"/srv/history/production\"");
  }
  return remote;
}

}  // namespace

std::map<std::string, RemoteConfig> ReadRemotes(const toml::table& table, const ConfigValues& values) {
  std::map<std::string, RemoteConfig> remotes;
  for (const auto& [key, node] : table) {
    if (!node.is_table()) values.FailOnType(key, node, "a table for each remote: [remotes.NAME]");
    if (!IsSourceName(key.str())) {
      values.Fail(key.source(), fmt::format("\"{}\" cannot be the name of a remote", key.str()),
                  "expected at most 64 letters, digits, '.', '_' and '-', not starting with '.'");
    }
    remotes.emplace(key.str(), ReadOne(key, *node.as_table(), values));
  }
  return remotes;
}

std::string RemoteUrl(const toml::key& key, const std::string& url, const ConfigValues& values) {
  constexpr std::string_view kFile = "file://";
  if (url.starts_with(kFile) && url.size() > kFile.size() && url[kFile.size()] == '/') return url.substr(kFile.size());
  if (url.empty() || url.find("://") != std::string::npos) {
    values.Fail(key.source(), fmt::format("\"{}\" is not a place that this program knows", key.str()),
                "expected a directory: \"/srv/history\", \"~/history\" or \"file:///srv/history\"");
  }
  return values.PathOf(url);
}

}  // namespace rotv::config
