#include "cli/config.h"

#include <fmt/format.h>

#include <charconv>
#include <map>
#include <optional>
#include <vector>

// The parser is compiled into this file alone: it is the slowest header here.
#define TOML_HEADER_ONLY 1
#include <toml++/toml.h>

#include "cli/did_you_mean.h"
#include "cli/drift/drift_section.h"
#include "cli/env_file.h"
#include "cli/home.h"
#include "cli/mask_config.h"
#include "cli/source_check.h"
#include "cli/text_file.h"
#include "storage/error.h"
#include "storage/workspace.h"

namespace rotv {
namespace {

constexpr const char* kMinimalConfig =
    "write rotv.toml, for example:  [sources.production]  ssh = \"root@db.example.org\"  database = \"rotv\"  "
    "user = \"rotv\"  (each on a line of its own), or set PRODUCTION_HOST and PGDATABASE in .env";

enum class Kind { kText, kPath };
struct TextKey {
  const char* name;
  std::string SourceConfig::*field;
  Kind kind = Kind::kText;
};
constexpr TextKey kTextKeys[] = {
    {"ssh", &SourceConfig::ssh},
    {"identity", &SourceConfig::identity, Kind::kPath},
    {"known_hosts", &SourceConfig::known_hosts, Kind::kPath},
    {"container", &SourceConfig::container},
    {"runtime", &SourceConfig::runtime},
    {"host", &SourceConfig::host},
    {"database", &SourceConfig::database},
    {"user", &SourceConfig::user},
    {"url", &SourceConfig::url},
};

std::vector<std::string> KnownKeys() {
  std::vector<std::string> keys = {"port", "exclude"};
  for (const TextKey& key : kTextKeys) keys.emplace_back(key.name);
  return keys;
}

bool IsPasswordKey(std::string_view key) {
  return key == "password" || key == "passwd" || key == "PGPASSWORD" || key == "pgpassword" || key == "sslpassword";
}

std::string_view TypeName(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::string:
      return "a string";
    case toml::node_type::integer:
      return "a whole number";
    case toml::node_type::floating_point:
      return "a decimal number";
    case toml::node_type::boolean:
      return "true or false";
    case toml::node_type::array:
      return "an array";
    case toml::node_type::table:
      return "a table";
    default:
      return "a date or a time";
  }
}

struct ConfigContent {
  std::map<std::string, SourceConfig> sources;
  AppConfig app;
  HistoryConfig history;
  MaskConfig mask;
  DriftConfig drift;
};

constexpr int64_t kMostDays = 100'000;

constexpr const char* kAppKeys[] = {"directory",  "env_file",    "command",    "image",
                                    "base_image", "database",    "health",     "port",
                                    "tmpfs_size", "compression", "persistent", "keep_prepared"};

// "2G", "512M", "1000000": bytes; nothing if it is not that.
std::optional<uint64_t> SizeFrom(std::string_view text) {
  uint64_t number = 0;
  auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  std::string_view unit = text.substr(static_cast<size_t>(end - text.data()));
  if (problem != std::errc() || number == 0 || number > (1U << 30)) return std::nullopt;
  if (unit == "G" || unit == "g") return number << 30;
  if (unit == "M" || unit == "m") return number << 20;
  if (unit == "K" || unit == "k") return number << 10;
  return unit.empty() ? std::optional(number) : std::nullopt;
}

std::optional<Compression> CompressionFrom(std::string_view how) {
  if (how == "none") return Compression::kNone;
  if (how == "zstd") return Compression::kZstd;
  if (how == "gzip") return Compression::kGzip;
  return std::nullopt;
}

// One file while it is read: what errors and relative paths need.
class ConfigFile {
 public:
  ConfigFile(const std::filesystem::path& path, const Environment& environment)
      : path_(path), environment_(environment) {}

  ConfigContent Read(const std::string& text) const {
    toml::table root = Parse(text);
    ConfigContent content;
    for (const auto& [key, node] : root) {
      if (key.str() == "sources") {
        content.sources = ReadSources(TableOf(key, node));
      } else if (key.str() == "app") {
        ReadAppTable(TableOf(key, node), content.app);
      } else if (key.str() == "history") {
        content.history = ReadHistory(TableOf(key, node));
      } else if (key.str() == "mask") {
        content.mask = ReadMask(key, node);
      } else if (key.str() == "schema") {
        content.drift = ReadDrift(key, node);
      } else if (IsPasswordKey(key.str())) {
        FailOnPassword(key);
      } else {
        Fail(key.source(), fmt::format("unknown key \"{}\"", key.str()),
             DidYouMean(key.str(), {"sources", "app", "history", "mask", "schema"}, "known here are"));
      }
    }
    return content;
  }

 private:
  [[noreturn]] void Fail(const toml::source_region& where, const std::string& what, const std::string& hint) const {
    throw Error(ErrorCode::kUsage, fmt::format("{}:{}: {}", path_.native(), where.begin.line, what), hint);
  }

  [[noreturn]] void FailOnPassword(const toml::key& key) const {
    Fail(key.source(), fmt::format("\"{}\": passwords are not kept in this file", key.str()),
         std::string(kPasswordHint));
  }

  [[noreturn]] void FailOnType(const toml::key& key, const toml::node& node, std::string_view expected) const {
    Fail(key.source(), fmt::format("\"{}\" is {}", key.str(), TypeName(node)), fmt::format("expected {}", expected));
  }

  toml::table Parse(const std::string& text) const {
    try {
      return toml::parse(std::string_view(text));
    } catch (const toml::parse_error& error) {
      Fail(error.source(), std::string(error.description()), "see docs/configuration.md for what the file may hold");
    }
  }

  const toml::table& TableOf(const toml::key& key, const toml::node& node) const {
    if (!node.is_table()) FailOnType(key, node, fmt::format("a table: [{}.NAME] or [{}]", key.str(), key.str()));
    return *node.as_table();
  }

  MaskConfig ReadMask(const toml::key& key, const toml::node& node) const {
    MaskConfig mask = ReadMaskConfig(TableOf(key, node), Failing());
    if (!mask.secret_file.empty()) mask.secret_file = PathOf(mask.secret_file);
    return mask;
  }

  DriftConfig ReadDrift(const toml::key& key, const toml::node& node) const {
    DriftConfig drift = ReadDriftConfig(TableOf(key, node), Failing());
    if (!drift.migrations.empty()) drift.migrations = PathOf(drift.migrations);
    return drift;
  }

  FailAt Failing() const {
    return [this](const auto& where, const auto& what, const auto& hint) { Fail(where, what, hint); };
  }

  std::map<std::string, SourceConfig> ReadSources(const toml::table& table) const {
    std::map<std::string, SourceConfig> sources;
    for (const auto& [key, node] : table) {
      if (!node.is_table()) {
        if (IsPasswordKey(key.str())) FailOnPassword(key);
        FailOnType(key, node, "a table for each source: [sources.NAME]");
      }
      if (!IsSourceName(key.str())) {
        Fail(key.source(), fmt::format("\"{}\" cannot be the name of a source", key.str()),
             "expected at most 64 letters, digits, '.', '_' and '-', not starting with '.': it names a directory");
      }
      sources.emplace(key.str(), ReadOne(key, *node.as_table()));
    }
    return sources;
  }

  SourceConfig ReadOne(const toml::key& name, const toml::table& table) const {
    SourceConfig source;
    source.name = name.str();
    for (const auto& [key, node] : table) ReadKey(key, node, source);

    if (auto url = table.find("url"); url != table.end()) {
      for (const auto& [key, node] : table) {
        if (key.str() == "url" || key.str() == "exclude") continue;
        Fail(key.source(), fmt::format("\"{}\" and \"url\" exclude each other in [sources.{}]", key.str(), name.str()),
             key.str() == "ssh" ? "give ssh with host, port, database and user, or url alone"
                                : "the url says it all: take the other keys out, or the url");
      }
    }
    if (std::optional<SourceProblem> problem = CheckSource(source)) {
      auto at_fault = table.find(problem->key);
      Fail(at_fault == table.end() ? name.source() : at_fault->first.source(),
           fmt::format("{} in [sources.{}]", problem->message, name.str()), problem->hint);
    }
    return source;
  }

  void ReadKey(const toml::key& key, const toml::node& node, SourceConfig& source) const {
    if (IsPasswordKey(key.str())) FailOnPassword(key);
    if (key.str() == "port") {
      source.port = ReadPort(key, node);
    } else if (key.str() == "exclude") {
      source.exclude = ReadExclude(key, node);
    } else {
      for (const TextKey& text_key : kTextKeys) {
        if (key.str() != text_key.name) continue;
        source.*text_key.field = ReadText(key, node, text_key.kind);
        return;
      }
      Fail(key.source(), fmt::format("unknown key \"{}\" in [sources.{}]", key.str(), source.name),
           DidYouMean(key.str(), KnownKeys(), "known here are"));
    }
  }

  void ReadAppTable(const toml::table& table, AppConfig& app) const {
    for (const auto& [key, node] : table) {
      std::string_view name = key.str();
      if (IsPasswordKey(name)) FailOnPassword(key);
      if (name == "directory") {
        app.directory = ReadText(key, node, Kind::kPath);
      } else if (name == "env_file") {
        app.env_file = ReadText(key, node, Kind::kPath);
      } else if (name == "command") {
        app.command = ReadText(key, node, Kind::kText);
      } else if (name == "image") {
        app.image = ReadText(key, node, Kind::kText);
      } else if (name == "base_image") {
        app.base_image = ReadText(key, node, Kind::kText);
      } else if (name == "database") {
        app.database = ReadText(key, node, Kind::kText);
      } else if (name == "health") {
        app.health = ReadHealth(key, node);
      } else if (name == "port") {
        app.port = ReadPort(key, node);
      } else if (name == "tmpfs_size") {
        app.tmpfs_bytes = ReadSize(key, node);
      } else if (name == "compression") {
        app.compression = ReadCompression(key, node);
      } else if (name == "persistent") {
        app.persistent = ReadFlag(key, node);
      } else if (name == "keep_prepared") {
        app.keep_prepared = ReadFlag(key, node);
      } else {
        Fail(key.source(), fmt::format("unknown key \"{}\" in [app]", name),
             DidYouMean(std::string(name), {std::begin(kAppKeys), std::end(kAppKeys)}, "known here are"));
      }
    }
  }

  HistoryConfig ReadHistory(const toml::table& table) const {
    HistoryConfig history;
    for (const auto& [key, node] : table) {
      if (key.str() == "keep_days") {
        std::optional<int64_t> days = node.value_exact<int64_t>();
        if (!days || *days < 0 || *days > kMostDays) FailOnType(key, node, "a number of days: 7");
        history.keep_days = static_cast<int>(*days);
      } else if (key.str() == "limit") {
        history.limit_bytes = ReadText(key, node, Kind::kText) == "none" ? 0 : ReadSize(key, node);
      } else {
        Fail(key.source(), fmt::format("unknown key \"{}\" in [history]", key.str()),
             DidYouMean(std::string(key.str()), {"keep_days", "limit"}, "known here are"));
      }
    }
    return history;
  }

  std::string ReadHealth(const toml::key& key, const toml::node& node) const {
    std::string path = ReadText(key, node, Kind::kText);
    if (!path.starts_with('/')) {
      Fail(key.source(), fmt::format("\"health\" is \"{}\"", path), "expected a path of the application: /api/health");
    }
    return path;
  }

  uint64_t ReadSize(const toml::key& key, const toml::node& node) const {
    std::optional<uint64_t> size = SizeFrom(ReadText(key, node, Kind::kText));
    if (!size) Fail(key.source(), fmt::format("\"{}\" is not a size", key.str()), "expected \"2G\" or \"900M\"");
    return *size;
  }

  Compression ReadCompression(const toml::key& key, const toml::node& node) const {
    std::string how = ReadText(key, node, Kind::kText);
    if (std::optional<Compression> compression = CompressionFrom(how)) return *compression;
    Fail(key.source(), fmt::format("\"compression\" is \"{}\"", how), "expected \"none\", \"zstd\" or \"gzip\"");
  }

  bool ReadFlag(const toml::key& key, const toml::node& node) const {
    const auto* flag = node.as_boolean();
    if (flag == nullptr) FailOnType(key, node, "true or false, without quotes");
    return flag->get();
  }

  std::string ReadText(const toml::key& key, const toml::node& node, Kind kind) const {
    const auto* text = node.as_string();
    if (text == nullptr) FailOnType(key, node, "a string, in quotes");
    if (text->get().empty())
      Fail(key.source(), fmt::format("\"{}\" is empty", key.str()), "leave it out, or fill it in");
    return kind == Kind::kText ? text->get() : PathOf(text->get());
  }

  // A relative path is relative to the file's directory.
  std::string PathOf(const std::string& text) const {
    std::filesystem::path path = ExpandTilde(text, environment_);
    return path.is_absolute() ? path.native() : (path_.parent_path() / path).lexically_normal().native();
  }

  int ReadPort(const toml::key& key, const toml::node& node) const {
    const auto* number = node.as_integer();
    if (number == nullptr) FailOnType(key, node, "a whole number from 1 to 65535, without quotes");
    int64_t port = number->get();
    if (port < 1 || port > 65535) {
      Fail(key.source(), fmt::format("port {} is out of range", port), "expected a number from 1 to 65535");
    }
    return static_cast<int>(port);
  }

  std::vector<std::string> ReadExclude(const toml::key& key, const toml::node& node) const {
    const char* expected = "an array of strings, for example [\"public.page_views\"]";
    const auto* array = node.as_array();
    if (array == nullptr) FailOnType(key, node, expected);
    std::vector<std::string> tables;
    for (const toml::node& element : *array) {
      const auto* table = element.as_string();
      if (table == nullptr) {
        Fail(element.source(), fmt::format("\"{}\" holds {}", key.str(), TypeName(element)),
             fmt::format("expected {}", expected));
      }
      tables.push_back(table->get());
    }
    return tables;
  }

  const std::filesystem::path& path_;
  const Environment& environment_;
};

struct ChosenFile {
  std::filesystem::path path;
  std::optional<std::string> text;
};

ChosenFile FindFile(const ConfigRequest& request) {
  std::string named = request.config.empty() ? Variable(request.environment, "ROTV_CONFIG") : request.config;
  if (!named.empty()) {
    std::filesystem::path path = ExpandTilde(named, request.environment);
    std::optional<std::string> text = ReadTextFile(path);
    if (!text) {
      throw Error(
          ErrorCode::kUsage, fmt::format("there is no config file {}", path.native()),
          request.config.empty() ? "ROTV_CONFIG names it: mend or unset it" : "--config names it: mend the path");
    }
    return {path, std::move(text)};
  }
  std::filesystem::path here = request.directory == "." ? "rotv.toml" : request.directory / "rotv.toml";
  for (const std::filesystem::path& path : {here, request.home / "rotv.toml"}) {
    if (std::optional<std::string> text = ReadTextFile(path)) return {path, std::move(text)};
  }
  return {};
}

constexpr const char* kDefaultSource = "production";
using Sources = std::map<std::string, SourceConfig>;

// Which one is worked on where none is named; there may be none of this name.
std::string NameOfDefault(const Sources& sources) {
  return sources.size() == 1 ? sources.begin()->first : kDefaultSource;
}

// Those of the file, or else of the variables; none if there are none. All are checked.
Sources FindConfigured(const ConfigRequest& request, const ChosenFile& file) {
  ConfigContent content;
  if (file.text) content = ConfigFile(file.path, request.environment).Read(*file.text);
  if (content.sources.empty()) {
    std::optional<SourceConfig> source = SourceFromVariables(request.environment, request.directory);
    if (source) content.sources.emplace(source->name, std::move(*source));
  }
  for (auto& [name, source] : content.sources) {
    source.history = content.history;
    source.mask = content.mask;
  }
  return std::move(content.sources);
}

// All that there are, at least one.
Sources FindSources(const ConfigRequest& request) {
  ChosenFile file = FindFile(request);
  Sources sources = FindConfigured(request, file);
  const std::vector<std::string> imported = ImportedSources(request.home);
  if (sources.empty() && imported.empty()) {
    std::string what = file.text ? fmt::format("{} has no [sources.NAME]", file.path.native())
                                 : std::string("there is no rotv.toml here, nor in ") + request.home.native();
    throw Error(ErrorCode::kUsage, what + ", and PRODUCTION_HOST is not set", kMinimalConfig);
  }
  // What was imported is worked on by default only where there is nothing else.
  const bool nothing_else = sources.empty();
  std::string by_default = NameOfDefault(sources);
  for (const std::string& name : imported) {
    SourceConfig source;
    source.name = name;
    source.imported = true;
    sources.emplace(name, std::move(source));
  }
  if (nothing_else) by_default = NameOfDefault(sources);
  for (auto& [name, source] : sources) source.is_default = name == by_default;
  return sources;
}

SourceConfig Choose(Sources sources, const std::string& asked) {
  std::vector<std::string> names;
  names.reserve(sources.size());
  for (auto& entry : sources) {
    if (asked.empty() ? entry.second.is_default : entry.first == asked) return std::move(entry.second);
    names.push_back(entry.first);
  }
  std::string list = fmt::format("the sources are: {}", fmt::join(names, ", "));
  if (asked.empty())
    throw Error(ErrorCode::kUsage, "there are several sources, and none is named production",
                "choose one with --source NAME; " + list);
  std::string nearest = NearestWord(asked, names);
  throw Error(ErrorCode::kUsage, fmt::format("there is no source \"{}\"", asked),
              nearest.empty() ? list : fmt::format("did you mean \"{}\"? {}", nearest, list));
}

}  // namespace

SourceConfig ReadSource(const ConfigRequest& request) { return Choose(FindSources(request), request.source); }

std::vector<SourceConfig> ReadSources(const ConfigRequest& request) {
  std::vector<SourceConfig> all;
  for (auto& [name, source] : FindSources(request)) all.push_back(std::move(source));
  return all;
}

std::filesystem::path ConfigFilePath(const ConfigRequest& request) {
  ChosenFile file = FindFile(request);
  return file.text ? std::filesystem::absolute(file.path) : std::filesystem::path();
}

std::vector<std::string> ConfiguredSources(const ConfigRequest& request) {
  std::vector<std::string> names;
  for (const auto& [name, source] : FindConfigured(request, FindFile(request))) names.push_back(name);
  return names;
}

namespace {

Compression SeedCompression(const AppConfig& app, const Environment& environment) {
  std::string how = Variable(environment, "ROTV_SEED_COMPRESSION");
  if (how.empty()) return app.compression;
  if (std::optional<Compression> compression = CompressionFrom(how)) return *compression;
  throw Error(ErrorCode::kUsage, fmt::format("ROTV_SEED_COMPRESSION is \"{}\"", how), "it may be none, zstd or gzip");
}

}  // namespace

Compression ReadSeedCompression(const ConfigRequest& request) {
  ChosenFile file = FindFile(request);
  AppConfig app;
  if (file.text) app = ConfigFile(file.path, request.environment).Read(*file.text).app;
  return SeedCompression(app, request.environment);
}

DriftConfig ReadDrift(const ConfigRequest& request) {
  ChosenFile file = FindFile(request);
  if (!file.text) return {};
  return ConfigFile(file.path, request.environment).Read(*file.text).drift;
}

AppConfig ReadApp(const ConfigRequest& request) {
  ChosenFile file = FindFile(request);
  AppConfig app;
  if (file.text) app = ConfigFile(file.path, request.environment).Read(*file.text).app;
  app.compression = SeedCompression(app, request.environment);
  // A config in the home directory is for applications anywhere.
  bool beside_config = file.text && file.path != request.home / "rotv.toml";
  if (app.directory.empty()) {
    app.directory = beside_config ? std::filesystem::absolute(file.path).parent_path() : request.directory;
  }
  app.directory = std::filesystem::weakly_canonical(std::filesystem::absolute(app.directory));
  if (!std::filesystem::is_directory(app.directory)) {
    throw Error(ErrorCode::kUsage, fmt::format("there is no directory {}", app.directory.native()),
                "\"directory\" in [app] of rotv.toml says where the application is");
  }
  return app;
}

}  // namespace rotv
