#include "cli/config/drift_section.h"

namespace rotv::config {

DriftConfig ReadDriftSection(const toml::table& table, const ConfigValues& values) {
  DriftConfig config;
  for (const auto& [key, node] : table) {
    if (key.str() == "migrations") {
      config.migrations = values.Path(key, node);
    } else if (key.str() == "command") {
      config.command = values.Text(key, node);
    } else if (key.str() == "roles") {
      config.roles = values.Texts(key, node, "[\"app_reader\"]");
    } else if (key.str() == "ignore") {
      config.ignore = values.Texts(key, node, "[\"index public.*\", \"table audit.*\"]");
    } else if (key.str() == "warn_at_start") {
      config.warn_at_start = values.Flag(key, node);
    } else {
      values.FailOnUnknown(key, "[schema]", {"migrations", "command", "roles", "ignore", "warn_at_start"});
    }
  }
  return config;
}

}  // namespace rotv::config
