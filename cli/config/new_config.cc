#include "cli/config/new_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>
#include <utility>
#include <vector>

#include "cli/config/toml.h"

namespace rotv::config {
namespace {

constexpr const char* kBefore =
    "# Where the data comes from, and what becomes of it. No password is ever in this file: they come from PGPASSWORD\n"
    "# or from ~/.pgpass (mode 0600).\n\n";

constexpr const char* kOfServer =
    "# exclude = [\"public.page_views\"]   # tables of which only the schema is taken, no rows\n"
    "\n"
    "# Values that are replaced before they are stored here. `rotv-sync mask suggest` proposes the rules.\n"
    "# [mask]\n"
    "# \"public.users.email\" = \"email\"\n";

constexpr const char* kAfter =
    "\n"
    "# The application that `rotv start` runs on the data.\n"
    "# [app]\n"
    "# command = \"npm start\"\n"
    "# port    = 8080\n"
    "\n"
    "# How much of the past stays here.\n"
    "# [history]\n"
    "# keep_days = 7\n";

std::string Quoted(const std::string& text) {
  const toml::value<std::string> value(text);
  std::ostringstream out;
  out << toml::toml_formatter(value, toml::format_flags::none);
  return out.str();
}

}  // namespace

std::string NewConfigText(const SourceConfig& source) {
  std::vector<std::pair<std::string, std::string>> lines;
  const auto add = [&](const char* key, const std::string& value) {
    if (!value.empty()) lines.emplace_back(key, Quoted(value));
  };
  add("remote", source.remote);
  add("url", source.url);
  add("ssh", source.ssh);
  add("identity", source.identity);
  add("known_hosts", source.known_hosts);
  add("container", source.container);
  if (!source.container.empty()) add("runtime", source.runtime);
  if (source.url.empty() && source.remote.empty()) {
    add("host", source.host);
    if (source.port != 5432) lines.emplace_back("port", std::to_string(source.port));
    add("database", source.database);
    add("user", source.user);
  }
  size_t width = 0;
  for (const auto& [key, value] : lines) width = std::max(width, key.size());
  const bool is_bare = source.name.find('.') == std::string::npos;
  std::string text = kBefore + fmt::format("[sources.{}]\n", is_bare ? source.name : Quoted(source.name));
  for (const auto& [key, value] : lines) text += fmt::format("{:<{}} = {}\n", key, width, value);
  if (source.remote.empty()) text += kOfServer;
  return text + kAfter;
}

}  // namespace rotv::config
