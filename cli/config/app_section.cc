#include "cli/config/app_section.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "os/process_environment.h"
#include "storage/ascii_case.h"

namespace rotv::config {
namespace {

struct AppTextKey {
  const char* name;
  std::string AppConfig::*field;
};
constexpr AppTextKey kAppTextKeys[] = {{"command", &AppConfig::command},
                                       {"image", &AppConfig::image},
                                       {"base_image", &AppConfig::base_image},
                                       {"database", &AppConfig::database},
                                       {"role", &AppConfig::role}};
struct FlagKey {
  const char* name;
  bool AppConfig::*field;
};
constexpr FlagKey kFlagKeys[] = {{"persistent", &AppConfig::persistent},
                                 {"keep_prepared", &AppConfig::keep_prepared},
                                 {"superuser", &AppConfig::superuser},
                                 {"warm", &AppConfig::warm},
                                 {"browser", &AppConfig::browser}};

const std::vector<std::string>& KnownAppKeys() {
  static const std::vector<std::string> kKeys = {
      "directory",       "env_file",  "command",       "image",       "base_image", "database",
      "health",          "port",      "tmpfs_size",    "compression", "persistent", "keep_prepared",
      "superuser",       "allow_env", "database_port", "restart",     "browser",    "settings",
      "skip_extensions", "role",      "warm",          "clone"};
  return kKeys;
}

std::string ReadHealth(const toml::key& key, const toml::node& node, const ConfigValues& values) {
  std::string path = values.Text(key, node);
  if (!path.starts_with('/')) {
    values.Fail(key.source(), fmt::format("\"health\" is \"{}\"", path),
                "expected a path of the application: /api/health");
  }
  return path;
}

Compression ReadCompression(const toml::key& key, const toml::node& node, const ConfigValues& values) {
  std::string name = values.Text(key, node);
  if (std::optional<Compression> compression = CompressionNamed(name)) return *compression;
  values.Fail(key.source(), fmt::format("\"compression\" is \"{}\"", name), "expected \"none\", \"zstd\" or \"gzip\"");
}

Restart ReadRestart(const toml::key& key, const toml::node& node, const ConfigValues& values) {
  const std::string name = values.Text(key, node);
  if (name == "no") return Restart::kNo;
  if (name == "on-failure") return Restart::kOnFailure;
  if (name == "always") return Restart::kAlways;
  values.Fail(key.source(), fmt::format("\"restart\" is \"{}\"", name),
              "expected \"no\", \"on-failure\" or \"always\"");
}

CloneChoice ReadClone(const toml::key& key, const toml::node& node, const ConfigValues& values) {
  const std::string name = values.Text(key, node);
  if (name == "auto") return CloneChoice::kAuto;
  if (name == "copy") return CloneChoice::kCopy;
  if (name == "overlay") return CloneChoice::kOverlay;
  values.Fail(key.source(), fmt::format("\"clone\" is \"{}\"", name), "expected \"auto\", \"copy\" or \"overlay\"");
}

// Refuses the variables that rotv sets itself: with another value the application would run on another database.
std::vector<std::string> ReadAllowEnv(const toml::key& key, const toml::node& node, const ConfigValues& values) {
  std::vector<std::string> names = values.Texts(key, node, "[\"REPORTING_URL\"]");
  for (const std::string& name : names) {
    if (name != "DATABASE_URL" && !os::IsLibpqVariable(name)) continue;
    values.Fail(key.source(), fmt::format("\"allow_env\" names {}, which is always that of the started database", name),
                "an application that needs another database as well reads it from a variable of another name");
  }
  return names;
}

// A parameter of PostgreSQL: words of letters, digits and underscores, with a dot between two.
bool IsSettingName(std::string_view name) {
  const auto is_word = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
  };
  return !name.empty() && name.front() != '.' && name.back() != '.' && std::all_of(name.begin(), name.end(), is_word);
}

// These say where the server is and who may connect, which a start decides.
bool IsOurs(std::string_view name) {
  constexpr std::array kOurs = {
      "config_file", "data_directory",         "external_pid_file", "hba_file",        "ident_file",
      "include",     "listen_addresses",       "logging_collector", "log_destination", "log_line_prefix",
      "port",        "unix_socket_directories"};
  return std::find(kOurs.begin(), kOurs.end(), name) != kOurs.end();
}

std::string SettingText(const toml::key& key, const toml::node& node, const ConfigValues& values) {
  if (const auto number = node.value_exact<int64_t>()) return std::to_string(*number);
  if (const auto number = node.value_exact<double>()) return fmt::format("{}", *number);
  if (const auto flag = node.value_exact<bool>()) return *flag ? "on" : "off";
  const auto text = node.value_exact<std::string>();
  if (!text || text->find_first_of(std::string_view("\0\n\r", 3)) != std::string::npos) {
    values.FailOnType(key, node, "a string, a number or true or false");
  }
  return *text;
}

std::map<std::string, std::string> ReadSettings(const toml::key& key, const toml::node& node,
                                                const ConfigValues& values) {
  std::map<std::string, std::string> settings;
  for (const auto& [name, value] : values.Table(key, node)) {
    const std::string lower = AsciiLower(name.str());
    if (!IsSettingName(lower)) {
      values.Fail(name.source(), fmt::format("\"settings\" has the name \"{}\"", name.str()),
                  "expected a parameter of PostgreSQL: shared_preload_libraries, or \"app.tenant\" in quotes");
    }
    if (IsOurs(lower)) {
      values.Fail(name.source(), fmt::format("\"settings\" sets {}, which rotv sets itself", lower),
                  "leave it out; [app] has database_port for a port");
    }
    settings[lower] = SettingText(name, value, values);
  }
  return settings;
}

void ReadKey(const toml::key& key, const toml::node& node, const ConfigValues& values, AppConfig& app) {
  for (const AppTextKey& text : kAppTextKeys) {
    if (key.str() != text.name) continue;
    app.*text.field = values.Text(key, node);
    return;
  }
  for (const FlagKey& flag : kFlagKeys) {
    if (key.str() != flag.name) continue;
    app.*flag.field = values.Flag(key, node);
    return;
  }
  if (key.str() == "directory") {
    app.directory = values.Path(key, node);
  } else if (key.str() == "env_file") {
    app.env_file = values.Path(key, node);
  } else if (key.str() == "health") {
    app.health = ReadHealth(key, node, values);
  } else if (key.str() == "port") {
    app.port = values.Port(key, node);
  } else if (key.str() == "database_port") {
    app.database_port = values.Port(key, node);
  } else if (key.str() == "tmpfs_size") {
    app.tmpfs_bytes = values.Bytes(key, node);
  } else if (key.str() == "allow_env") {
    app.environment_rules.allowed = ReadAllowEnv(key, node, values);
  } else if (key.str() == "restart") {
    app.restart = ReadRestart(key, node, values);
  } else if (key.str() == "clone") {
    app.clone = ReadClone(key, node, values);
  } else if (key.str() == "settings") {
    app.settings = ReadSettings(key, node, values);
  } else if (key.str() == "skip_extensions") {
    app.skip_extensions = values.Texts(key, node, "[\"pg_cron\"]");
  } else if (key.str() == "compression") {
    app.compression = ReadCompression(key, node, values);
  } else {
    values.FailOnUnknown(key, "[app]", KnownAppKeys());
  }
}

}  // namespace

std::optional<Compression> CompressionNamed(std::string_view name) {
  if (name == "none") return Compression::kNone;
  if (name == "zstd") return Compression::kZstd;
  if (name == "gzip") return Compression::kGzip;
  return std::nullopt;
}

AppConfig ReadAppSection(const toml::table& table, const ConfigValues& values) {
  AppConfig app;
  for (const auto& [key, node] : table) ReadKey(key, node, values, app);
  app.image_is_named = table.contains("image");
  return app;
}

}  // namespace rotv::config
