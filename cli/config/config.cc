#include "cli/config/config.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "cli/config/app_section.h"
#include "cli/config/config_values.h"
#include "cli/config/drift_section.h"
#include "cli/config/env_file.h"
#include "cli/config/history_section.h"
#include "cli/config/home.h"
#include "cli/config/hook_section.h"
#include "cli/config/mask_config.h"
#include "cli/config/remote_section.h"
#include "cli/config/source_check.h"
#include "cli/config/subset_section.h"
#include "cli/output/did_you_mean.h"
#include "os/text_file.h"
#include "storage/error.h"
#include "storage/workspace.h"

namespace rotv::config {
namespace {

constexpr const char* kMinimalConfig =
    "rotv-sync init asks for it; or write rotv.toml, for example:  [sources.production]  ssh = \"root@db.example.org\" "
    " database = \"rotv\"  "
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
  std::vector<std::string> keys = {"port",    "exclude", "missing_references", "trust", "stall_timeout",
                                   "retries", "remote"};
  for (const TextKey& key : kTextKeys) keys.emplace_back(key.name);
  return keys;
}

struct ConfigContent {
  std::map<std::string, SourceConfig> sources;
  std::map<std::string, RemoteConfig> remotes;
  AppConfig app;
  HistoryConfig history;
  MaskConfig mask;
  SubsetConfig subset;
  DriftConfig drift;
  HookConfig hooks;
};

constexpr int64_t kShortestStall = 4;  // A shorter timeout would take a slow link for a dead one.
constexpr int64_t kLongestStall = 3600;
constexpr int64_t kMostRetries = 100;
constexpr uint64_t kMegabyte = 1024 * 1024;        // As PostgreSQL's settings have it.
constexpr uint64_t kMostDecodingMegabytes = 2047;  // Beyond it a server with 32 bits would refuse.

// The keys that a source may have besides `url`.
bool GoesWithUrl(std::string_view key) {
  constexpr std::string_view kKeys[] = {"url",           "exclude", "missing_references", "trust",
                                        "stall_timeout", "retries", "decoding_memory"};
  return std::find(std::begin(kKeys), std::end(kKeys), key) != std::end(kKeys);
}

// The same for `remote`, where there is no server.
bool GoesWithRemote(std::string_view key) {
  constexpr std::string_view kKeys[] = {"remote", "trust", "stall_timeout", "retries", "identity", "known_hosts"};
  return std::find(std::begin(kKeys), std::end(kKeys), key) != std::end(kKeys);
}

// Reads one file, and knows its path for errors and for relative paths.
class ConfigFile {
 public:
  ConfigFile(const std::filesystem::path& path, const os::Environment& environment) : values_(path, environment) {}

  ConfigContent Read(const std::string& text) const {
    toml::table root = Parse(text);
    ConfigContent content;
    // First: sources name them.
    if (auto remotes = root.find("remotes"); remotes != root.end()) {
      content.remotes = ReadRemotes(values_.Table(remotes->first, remotes->second), values_);
    }
    for (const auto& [key, node] : root) {
      if (key.str() == "remotes") continue;
      if (key.str() == "sources") {
        content.sources = ReadSources(values_.Table(key, node), content.remotes);
      } else if (key.str() == "app") {
        content.app = ReadAppSection(values_.Table(key, node), values_);
      } else if (key.str() == "history") {
        content.history = ReadHistorySection(values_.Table(key, node), values_);
      } else if (key.str() == "mask") {
        content.mask = ReadMask(key, node);
      } else if (key.str() == "subset") {
        content.subset = ReadSubsetSection(values_.Table(key, node), values_);
      } else if (key.str() == "schema") {
        content.drift = ReadDriftSection(values_.Table(key, node), values_);
      } else if (key.str() == "hooks") {
        content.hooks = ReadHookSection(values_.Table(key, node), values_);
      } else {
        values_.FailOnUnknown(key, "", {"sources", "remotes", "app", "history", "mask", "subset", "schema", "hooks"});
      }
    }
    return content;
  }

 private:
  toml::table Parse(const std::string& text) const {
    try {
      return toml::parse(std::string_view(text));
    } catch (const toml::parse_error& error) {
      values_.Fail(error.source(), std::string(error.description()),
                   "see docs/configuration.md for what the file may hold");
    } catch (const TomlAssertion&) {
      throw Error(ErrorCode::kUsage, values_.PathText() + " is not TOML: a name begins with a character that none may",
                  "the name of a table begins with a letter, a digit, '_', '-' or a quote: [sources.production]");
    }
  }

  MaskConfig ReadMask(const toml::key& key, const toml::node& node) const {
    MaskConfig mask = ReadMaskConfig(values_.Table(key, node), values_.Failing());
    if (!mask.secret_file.empty()) mask.secret_file = values_.PathOf(mask.secret_file);
    return mask;
  }

  using Remotes = std::map<std::string, RemoteConfig>;

  std::map<std::string, SourceConfig> ReadSources(const toml::table& table, const Remotes& remotes) const {
    std::map<std::string, SourceConfig> sources;
    for (const auto& [key, node] : table) {
      if (!node.is_table()) values_.FailOnType(key, node, "a table for each source: [sources.NAME]");
      if (!IsSourceName(key.str())) {
        values_.Fail(
            key.source(), fmt::format("\"{}\" cannot be the name of a source", key.str()),
            "expected at most 64 letters, digits, '.', '_' and '-', not starting with '.': it names a directory");
      }
      sources.emplace(key.str(), ReadOne(key, *node.as_table(), remotes));
    }
    return sources;
  }

  SourceConfig ReadOne(const toml::key& name, const toml::table& table, const Remotes& remotes) const {
    SourceConfig source;
    source.name = name.str();
    if (auto remote = table.find("remote"); remote != table.end()) return ReadFollower(name, table, remotes);
    for (const auto& [key, node] : table) ReadKey(key, node, source);

    if (auto url = table.find("url"); url != table.end()) {
      for (const auto& [key, node] : table) {
        if (GoesWithUrl(key.str())) continue;
        values_.Fail(key.source(),
                     fmt::format("\"{}\" and \"url\" exclude each other in [sources.{}]", key.str(), name.str()),
                     key.str() == "ssh" ? "give ssh with host, port, database and user, or only url"
                                        : "the url has everything: remove the other keys, or the url");
      }
    }
    if (std::optional<SourceProblem> problem = CheckSource(source)) {
      auto at_fault = table.find(problem->key);
      values_.Fail(at_fault == table.end() ? name.source() : at_fault->first.source(),
                   fmt::format("{} in [sources.{}]", problem->message, name.str()), problem->hint);
    }
    return source;
  }

  // A source that follows a remote: `remote` is the name of one, or where it is.
  SourceConfig ReadFollower(const toml::key& name, const toml::table& table, const Remotes& remotes) const {
    SourceConfig source;
    source.name = name.str();
    const auto remote = table.find("remote");
    ReadRemote(remote->first, values_.Text(remote->first, remote->second), remotes, source);
    for (const auto& [key, node] : table) {
      if (key.str() == "remote") continue;
      if (key.str() == "key") {
        source.remote_key = TeamKeyOf(values_.Text(key, node), values_);
      } else if (key.str() == "public_key") {
        source.remote_signers = PublicKeysOf(key, node, values_);
      } else if (GoesWithRemote(key.str())) {
        ReadKey(key, node, source);
      } else if (!ReadS3Key(key, node, S3Keys::kOfReader, values_, &source.s3)) {
        FailOnCredential(key, values_);
        values_.Fail(key.source(),
                     fmt::format("\"{}\" and \"remote\" exclude each other in [sources.{}]", key.str(), name.str()),
                     "who follows a remote has no server: remove the one or the other");
      }
    }
    RequireS3(table, source.remote, values_);
    RequireSsh(table, source.remote, values_);
    if (const size_t query = source.remote.find('?'); source.remote.starts_with("http") && query != std::string::npos) {
      source.remote_query = source.remote.substr(query + 1);
      source.remote.erase(query);
    }
    return source;
  }

  void ReadRemote(const toml::key& key, const std::string& remote, const Remotes& remotes, SourceConfig& source) const {
    if (const auto known = remotes.find(remote); known != remotes.end()) {
      source.remote = known->second.url;
      source.s3 = known->second.s3;
      source.remote_key = known->second.key;
      source.remote_signers = known->second.signers;
      source.identity = known->second.identity;
      source.known_hosts = known->second.known_hosts;
    } else if (remote.find('/') != std::string::npos) {
      source.remote = RemoteUrl(key, remote, values_);
    } else {
      values_.Fail(
          key.source(), fmt::format("there is no [remotes.{}]", remote),
          "name one of [remotes], a directory (\"/srv/history\"), \"s3://bucket/prefix\" or \"ssh://host/path\"");
    }
  }

  void ReadKey(const toml::key& key, const toml::node& node, SourceConfig& source) const {
    if (key.str() == "port") {
      source.port = values_.Port(key, node);
    } else if (key.str() == "exclude") {
      source.exclude = values_.Texts(key, node, "[\"public.page_views\"]");
    } else if (key.str() == "missing_references") {
      const std::string text = values_.Text(key, node);
      if (text != "refuse" && text != "not_valid") {
        values_.Fail(key.source(), fmt::format("\"missing_references\" is \"{}\"", text),
                     "expected \"refuse\" or \"not_valid\"");
      }
      source.missing_references = text == "refuse" ? MissingReferences::kRefuse : MissingReferences::kNotValid;
    } else if (key.str() == "compress") {
      source.compress = ReadCompress(key, node);
    } else if (key.str() == "decoding_memory") {
      source.decoding_memory_mb = ReadDecodingMemory(key, node);
    } else if (key.str() == "trust") {
      source.trust = values_.Flag(key, node);
    } else if (key.str() == "stall_timeout") {
      std::optional<int64_t> seconds = node.value_exact<int64_t>();
      if (!seconds || *seconds < kShortestStall || *seconds > kLongestStall) {
        values_.FailOnType(key, node,
                           fmt::format("a number of seconds from {} to {}: 60", kShortestStall, kLongestStall));
      }
      source.stall_timeout_s = static_cast<int>(*seconds);
    } else if (key.str() == "retries") {
      std::optional<int64_t> retries = node.value_exact<int64_t>();
      if (!retries || *retries < 0 || *retries > kMostRetries) {
        values_.FailOnType(key, node, fmt::format("a number from 0 to {}: 8", kMostRetries));
      }
      source.retries = static_cast<int>(*retries);
    } else {
      for (const TextKey& text_key : kTextKeys) {
        if (key.str() != text_key.name) continue;
        source.*text_key.field = text_key.kind == Kind::kText ? values_.Text(key, node) : values_.Path(key, node);
        return;
      }
      values_.FailOnUnknown(key, fmt::format("[sources.{}]", source.name), KnownKeys());
    }
  }

  Compress ReadCompress(const toml::key& key, const toml::node& node) const {
    const std::string text = values_.Text(key, node);
    if (text == "always") return Compress::kAlways;
    if (text == "never") return Compress::kNever;
    values_.Fail(key.source(), fmt::format("\"compress\" is \"{}\"", text), "expected \"always\" or \"never\"");
  }

  int ReadDecodingMemory(const toml::key& key, const toml::node& node) const {
    const uint64_t megabytes = values_.Bytes(key, node) / kMegabyte;
    if (megabytes == 0 || megabytes > kMostDecodingMegabytes) {
      values_.Fail(key.source(), "\"decoding_memory\" is too small or too large",
                   fmt::format("expected from \"1M\" to \"{}M\"; without the key it is as the server has it",
                               kMostDecodingMegabytes));
    }
    return static_cast<int>(megabytes);
  }

  const ConfigValues values_;
};

struct ChosenFile {
  std::filesystem::path path;
  std::optional<std::string> text;
};

ChosenFile FindFile(const ConfigRequest& request) {
  std::string named = request.config.empty() ? os::Variable(request.environment, "ROTV_CONFIG") : request.config;
  if (!named.empty()) {
    std::filesystem::path path = ExpandTilde(named, request.environment);
    std::optional<std::string> text = os::ReadTextFile(path);
    if (!text) {
      throw Error(
          ErrorCode::kUsage, fmt::format("there is no config file {}", path.native()),
          request.config.empty() ? "ROTV_CONFIG names it: correct or unset it" : "--config names it: correct the path");
    }
    return {path, std::move(text)};
  }
  std::filesystem::path here = request.directory == "." ? "rotv.toml" : request.directory / "rotv.toml";
  for (const std::filesystem::path& path : {here, request.home / "rotv.toml"}) {
    if (std::optional<std::string> text = os::ReadTextFile(path)) return {path, std::move(text)};
  }
  return {};
}

constexpr const char* kDefaultSource = "production";
using SourceMap = std::map<std::string, SourceConfig>;

// The name of the source that is used if none is named. There may be no source of this name.
std::string NameOfDefault(const SourceMap& sources) {
  return sources.size() == 1 ? sources.begin()->first : kDefaultSource;
}

SourceConfig Choose(SourceMap sources, const std::string& asked) {
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
  std::string nearest = output::NearestWord(asked, names);
  throw Error(ErrorCode::kUsage, fmt::format("there is no source \"{}\"", asked),
              nearest.empty() ? list : fmt::format("did you mean \"{}\"? {}", nearest, list));
}

}  // namespace

// What one look at the file and the variables found.
struct Config::Read {
  bool done = false;
  std::filesystem::path path;  // As it was found; empty: there is no file.
  ConfigContent content;
  std::optional<SourceMap> configured;  // Those of `content`, or else of the variables.
};

Config::Config(ConfigRequest request) : request_(std::move(request)), read_(std::make_unique<Read>()) {}
Config::~Config() = default;

const Config::Read& Config::Reading() const {
  if (read_->done) return *read_;
  const ChosenFile file = FindFile(request_);
  if (file.text) {
    read_->content = ConfigFile(file.path, request_.environment).Read(*file.text);
    read_->path = file.path;
  }
  read_->done = true;
  return *read_;
}

// None if there are none. All are checked.
const SourceMap& Config::Configured() const {
  const ConfigContent& content = Reading().content;
  if (read_->configured) return *read_->configured;
  SourceMap sources = content.sources;
  if (sources.empty()) {
    std::optional<SourceConfig> source = SourceFromVariables(request_.environment, request_.directory, variables_);
    if (source) sources.emplace(source->name, std::move(*source));
  }
  for (auto& [name, source] : sources) {
    source.history = content.history;
    source.mask = content.mask;
    source.subset = content.subset;
    source.config_file = read_->path.empty() ? "" : std::filesystem::weakly_canonical(read_->path);
  }
  return read_->configured.emplace(std::move(sources));
}

// Returns all sources, imported ones too; at least one. Throws kUsage if there is none.
SourceMap Config::All() const {
  SourceMap sources = Configured();
  const std::vector<std::string> imported = ImportedSources(request_.home);
  if (sources.empty() && imported.empty()) {
    std::string what = Reading().path.empty()
                           ? std::string("there is no rotv.toml here, nor in ") + request_.home.native()
                           : fmt::format("{} has no [sources.NAME]", Reading().path.native());
    throw Error(ErrorCode::kUsage, what + ", and PRODUCTION_HOST is not set", kMinimalConfig);
  }
  // An imported source is the default only if there are no others.
  const bool nothing_else = sources.empty();
  std::string by_default = NameOfDefault(sources);
  for (const std::string& name : imported) {
    SourceConfig source;
    source.name = name;
    source.imported = true;
    source.subset = Reading().content.subset;
    sources.emplace(name, std::move(source));
  }
  if (nothing_else) by_default = NameOfDefault(sources);
  for (auto& [name, source] : sources) source.is_default = name == by_default;
  return sources;
}

SourceConfig Config::Source() const { return Source(request_.source); }

SourceConfig Config::Source(const std::string& name) const { return Choose(All(), name); }

std::vector<SourceConfig> Config::Sources() const {
  std::vector<SourceConfig> all;
  for (auto& [name, source] : All()) all.push_back(std::move(source));
  return all;
}

std::filesystem::path Config::FilePath() const {
  return Reading().path.empty() ? std::filesystem::path() : std::filesystem::absolute(Reading().path);
}

std::vector<std::string> Config::ConfiguredSources() const {
  std::vector<std::string> names;
  for (const auto& [name, source] : Configured()) names.push_back(name);
  return names;
}

std::vector<RemoteConfig> Config::Remotes() const {
  std::vector<RemoteConfig> remotes;
  for (const auto& [name, remote] : Reading().content.remotes) remotes.push_back(remote);
  return remotes;
}

Compression Config::SeedCompression() const {
  std::string how = os::Variable(request_.environment, "ROTV_SEED_COMPRESSION");
  if (how.empty()) return Reading().content.app.compression;
  if (std::optional<Compression> compression = CompressionNamed(how)) return *compression;
  throw Error(ErrorCode::kUsage, fmt::format("ROTV_SEED_COMPRESSION is \"{}\"", how), "it may be none, zstd or gzip");
}

DriftConfig Config::Drift() const { return Reading().content.drift; }

HookConfig Config::Hooks() const {
  HookConfig hooks = Reading().content.hooks;
  hooks.file = FilePath();
  RequireOwnHooks(hooks);
  return hooks;
}

// Returns the addresses of all sources. A source that cannot be read is left out here; commands that use it report it.
std::vector<SourceAddress> Config::Addresses() const {
  std::vector<SourceAddress> all;
  try {
    for (const auto& [name, source] : Configured()) {
      for (SourceAddress& address : AddressesOf(source, os::Variable(request_.environment, "HOME")))
        all.push_back(std::move(address));
    }
  } catch (const Error&) {
  }
  return all;
}

AppConfig Config::App() const {
  AppConfig app = Reading().content.app;
  app.compression = SeedCompression();
  app.environment_rules.sources = Addresses();
  // A config in the home directory applies to applications in any directory.
  const std::filesystem::path& file = Reading().path;
  bool beside_config = !file.empty() && file != request_.home / "rotv.toml";
  if (app.directory.empty()) {
    app.directory = beside_config ? std::filesystem::absolute(file).parent_path() : request_.directory;
  }
  app.directory = std::filesystem::weakly_canonical(std::filesystem::absolute(app.directory));
  if (!std::filesystem::is_directory(app.directory)) {
    throw Error(ErrorCode::kUsage, fmt::format("there is no directory {}", app.directory.native()),
                "\"directory\" in [app] of rotv.toml says where the application is");
  }
  return app;
}

std::filesystem::path Config::ProjectDirectory() const {
  const std::filesystem::path file = FindFile(request_).path;
  std::filesystem::path directory = request_.directory;
  if (!file.empty() && file != request_.home / "rotv.toml") {
    directory = std::filesystem::absolute(file).parent_path();
  } else if (!file.empty()) {
    try {
      if (const std::filesystem::path& named = Reading().content.app.directory; !named.empty()) directory = named;
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kUsage) throw;
    }
  }
  return std::filesystem::weakly_canonical(std::filesystem::absolute(directory));
}

}  // namespace rotv::config
