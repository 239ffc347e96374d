#include "cli/launch/application_environment.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <fstream>
#include <iterator>

#include "os/process_environment.h"
#include "storage/error.h"
#include "sync/context/source_address.h"

namespace rotv::launch {

// An application finds its database by environment variables. A variable that is known to name a database is replaced,
// so that the application finds the started one without any change. Any other variable that leads to a PostgreSQL
// server or to a source's host is refused, not replaced, because it is not known what that database is for. The
// invariant: no variable that the application gets leads to another server, except those in allow_env. Names are
// compared, not addresses: another name of a source's host is not recognised.

namespace {

enum class Form { kUrl, kTestUrl, kJdbcUrl, kHost, kPort, kUser, kPassword, kName };

struct DatabaseVariable {
  std::string_view name;
  Form form;
};

// The variables by which applications and their libraries find a database. A variable that is missing here is refused,
// not replaced.
constexpr DatabaseVariable kDatabaseVariables[] = {
    {"DATABASE_URL", Form::kUrl},
    {"DATABASE_URI", Form::kUrl},
    {"DATABASE_URL_UNPOOLED", Form::kUrl},  // Neon
    {"DATABASE_PRIVATE_URL", Form::kUrl},   // Railway
    {"DATABASE_PUBLIC_URL", Form::kUrl},
    {"DATABASE_DIRECT_URL", Form::kUrl},
    {"DATABASE_CONNECTION_POOL_URL", Form::kUrl},
    {"DB_URL", Form::kUrl},
    {"DB_URI", Form::kUrl},
    {"DIRECT_URL", Form::kUrl},  // Prisma
    {"DIRECT_DATABASE_URL", Form::kUrl},
    {"POSTGRES_URL", Form::kUrl},  // Vercel
    {"POSTGRES_URI", Form::kUrl},
    {"POSTGRES_PRISMA_URL", Form::kUrl},
    {"POSTGRES_URL_NON_POOLING", Form::kUrl},
    {"POSTGRES_URL_NO_SSL", Form::kUrl},
    {"POSTGRESQL_URL", Form::kUrl},
    {"POSTGRESQL_URI", Form::kUrl},
    {"PG_URL", Form::kUrl},
    {"PG_URI", Form::kUrl},
    {"PG_CONNECTION_STRING", Form::kUrl},
    {"SQLALCHEMY_DATABASE_URI", Form::kUrl},
    {"SQLALCHEMY_DATABASE_URL", Form::kUrl},
    {"TEST_DATABASE_URL", Form::kTestUrl},
    {"DATABASE_URL_TEST", Form::kTestUrl},
    {"DATABASE_TEST_URL", Form::kTestUrl},
    {"SHADOW_DATABASE_URL", Form::kTestUrl},
    {"JDBC_URL", Form::kJdbcUrl},
    {"JDBC_DATABASE_URL", Form::kJdbcUrl},
    {"JDBC_POSTGRES_URL", Form::kJdbcUrl},
    {"SPRING_DATASOURCE_URL", Form::kJdbcUrl},
    {"SPRING_FLYWAY_URL", Form::kJdbcUrl},
    {"SPRING_LIQUIBASE_URL", Form::kJdbcUrl},
    {"FLYWAY_URL", Form::kJdbcUrl},
    {"LIQUIBASE_COMMAND_URL", Form::kJdbcUrl},
    {"QUARKUS_DATASOURCE_JDBC_URL", Form::kJdbcUrl},
};

// Each prefix goes with each of the parts below: POSTGRES_HOST, DB_PORT, PG_USER ….
constexpr std::array<std::string_view, 9> kPrefixes = {"POSTGRES_",           "POSTGRESQL_",    "DB_",
                                                       "DATABASE_",           "JDBC_DATABASE_", "SPRING_DATASOURCE_",
                                                       "QUARKUS_DATASOURCE_", "FLYWAY_",        "PG_"};
constexpr DatabaseVariable kParts[] = {
    {"HOST", Form::kHost},     {"HOSTNAME", Form::kHost},     {"PORT", Form::kPort},     {"USER", Form::kUser},
    {"USERNAME", Form::kUser}, {"PASSWORD", Form::kPassword}, {"PASS", Form::kPassword}, {"DB", Form::kName},
    {"DATABASE", Form::kName}, {"DBNAME", Form::kName},       {"NAME", Form::kName}};

// These variables of a .env file say where sources are; an application has no use for them.
constexpr std::array<std::string_view, 8> kNotForApplications = {
    "PRODUCTION_HOST",   "PRODUCTION_PORT",   "PRODUCTION_USER", "PRODUCTION_CONTAINER",
    "PRODUCTION_PGHOST", "PRODUCTION_PGPORT", "SSH_AUTH_SOCK",   "SSH_AGENT_PID"};

constexpr std::string_view kFileEnding = "_FILE";

template <typename Names>
bool Contains(const Names& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

const DatabaseVariable* FindDatabaseVariable(std::string_view name) {
  for (const DatabaseVariable& variable : kDatabaseVariables) {
    if (variable.name == name) return &variable;
  }
  for (std::string_view prefix : kPrefixes) {
    if (!name.starts_with(prefix)) continue;
    for (const DatabaseVariable& part : kParts) {
      if (name.substr(prefix.size()) == part.name) return &part;
    }
  }
  return nullptr;
}

// True for an address of something other than PostgreSQL: mysql://, mongodb+srv://, sqlite:.
bool IsOtherKindOfUrl(std::string_view value) {
  size_t colon = value.find(':');
  bool scheme = colon != std::string_view::npos && colon > 1 &&
                value.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-.") == colon;
  return scheme && !NamesPostgresServer(value);
}

// Returns how the variable's value is replaced; null if it is kept.
const DatabaseVariable* Replacement(std::string_view name, std::string_view value) {
  const DatabaseVariable* variable = FindDatabaseVariable(name);
  if (variable == nullptr || name == "DATABASE_URL") return variable;
  bool url = variable->form == Form::kUrl || variable->form == Form::kTestUrl || variable->form == Form::kJdbcUrl;
  return url && IsOtherKindOfUrl(value) ? nullptr : variable;
}

// Returns NAME for NAME_FILE, by which containers are given secrets as files; empty for other names.
std::string_view WithoutFileEnding(std::string_view name) {
  return name.ends_with(kFileEnding) ? name.substr(0, name.size() - kFileEnding.size()) : std::string_view();
}

std::string Encoded(std::string_view text) {
  std::string encoded;
  for (char c : text) {
    bool plain = std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_' || c == '.';
    encoded += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return encoded;
}

// The old URL's scheme, by which libraries choose their driver (postgresql+asyncpg, postgis).
std::string SchemeOf(const std::string& old_url) {
  size_t end = old_url.find("://");
  bool postgres = end != std::string::npos && old_url.starts_with("p") &&
                  old_url.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789+_-") == end;
  return postgres ? old_url.substr(0, end) : "postgresql";
}

// Keeps those parameters of the old URL that say how the database is used, and none that says where it is.
std::string KeptParameters(const std::string& old_url) {
  constexpr std::array<std::string_view, 6> kKept = {"schema",       "currentSchema", "search_path",
                                                     "pool_timeout", "pool_size",     "connection_limit"};
  std::string kept;
  size_t start = old_url.find('?');
  while (start != std::string::npos) {
    size_t end = old_url.find('&', start + 1);
    std::string parameter = old_url.substr(start + 1, end == std::string::npos ? end : end - start - 1);
    if (Contains(kKept, std::string_view(parameter).substr(0, parameter.find('=')))) kept += "&" + parameter;
    start = end;
  }
  return kept;
}

// A URL without TCP names the socket directory in the parameter "host", which drivers prefer to the host in the URL's
// authority. The authority is there for drivers that require one; a driver without sockets finds nothing on that port.
std::string UrlOf(const OwnDatabase& database, const std::string& name, const std::string& old_url) {
  std::string kept = KeptParameters(old_url);
  std::string scheme = SchemeOf(old_url);
  if (database.tcp) {
    if (!kept.empty()) kept[0] = '?';
    std::string user = Encoded(database.user);
    if (!database.password.empty()) user += ":" + Encoded(database.password);
    return fmt::format("{}://{}@127.0.0.1:{}/{}{}", scheme, user, database.port, Encoded(name), kept);
  }
  return fmt::format("{}://{}@localhost:{}/{}?host={}{}", scheme, Encoded(database.user), database.port, Encoded(name),
                     Encoded(database.socket_directory), kept);
}

std::string ValueFor(Form form, const OwnDatabase& database, const std::string& old_value) {
  switch (form) {
    case Form::kUrl:
      return UrlOf(database, database.name, old_value);
    case Form::kTestUrl:
      return UrlOf(database, database.name + "_test", old_value);
    case Form::kJdbcUrl:
      return fmt::format("jdbc:postgresql://127.0.0.1:{}/{}?user={}{}", database.port, Encoded(database.name),
                         Encoded(database.user),
                         database.password.empty() ? "" : "&password=" + Encoded(database.password));
    case Form::kHost:
      return database.tcp ? "127.0.0.1" : database.socket_directory;
    case Form::kPort:
      return std::to_string(database.port);
    case Form::kUser:
      return database.user;
    case Form::kPassword:
      // Where the server asks for none, some drivers insist on one.
      return database.password.empty() ? database.user : database.password;
    case Form::kName:
      return database.name;
  }
  return "";
}

// Returns the text of a small regular file; empty for anything else.
std::string SmallFile(const std::string& path) {
  constexpr off_t kMaxBytes = 64 * 1024;
  struct stat status {};
  if (stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode) || status.st_size > kMaxBytes) return "";
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

// A host's name without dots ("production") may mean anything, unless the name of the variable says that it is a host.
bool NameSaysHost(std::string_view name) {
  for (std::string_view word : {"HOST", "SERVER", "ADDR", "ENDPOINT"}) {
    if (name.find(word) != std::string_view::npos) return true;
  }
  return false;
}

bool LeadsElsewhere(const std::string& name, const std::string& value, const config::EnvironmentRules& rules) {
  if (name == "NO_PROXY" || name == "no_proxy") return false;
  if (NamesPostgresServer(value)) return true;
  return std::any_of(rules.sources.begin(), rules.sources.end(), [&](const SourceAddress& address) {
    return NamesHost(value, address) || (address.port == 0 && value == address.host && NameSaysHost(name));
  });
}

bool WantsJdbc(std::string_view name, std::string_view value, const config::EnvironmentRules& rules) {
  const DatabaseVariable* variable = Replacement(name, value);
  return variable != nullptr && variable->form == Form::kJdbcUrl && !Contains(rules.allowed, name);
}

void RequireReachable(const os::Environment& variables, const config::EnvironmentRules& rules,
                      const OwnDatabase& database) {
  if (database.tcp) return;
  for (const auto& [name, value] : variables) {
    if (!WantsJdbc(name, value, rules)) continue;
    throw Error(
        ErrorCode::kUsage,
        fmt::format("{} is set, and JDBC needs TCP, which the database of the local runtime does not have", name),
        "start it in a container: rotv --runtime podman start; or remove the variable");
  }
}

}  // namespace

std::vector<std::string> LeadingElsewhere(const os::Environment& variables, const config::EnvironmentRules& rules) {
  std::vector<std::string> names;
  for (const auto& [name, value] : variables) {
    bool settled = value.empty() || os::IsLibpqVariable(name) || Replacement(name, value) != nullptr ||
                   Contains(rules.allowed, name) || Contains(kNotForApplications, name);
    if (settled) continue;
    std::string_view in_file = WithoutFileEnding(name);
    if (FindDatabaseVariable(in_file) != nullptr || os::IsLibpqVariable(in_file)) continue;
    bool foreign =
        LeadsElsewhere(name, value, rules) || (!in_file.empty() && LeadsElsewhere(name, SmallFile(value), rules));
    if (foreign) names.push_back(name);
  }
  return names;
}

void RequireOwnDatabase(const os::Environment& variables, const config::EnvironmentRules& rules,
                        const OwnDatabase& database) {
  if (std::vector<std::string> names = LeadingElsewhere(variables, rules); !names.empty()) {
    throw Error(
        ErrorCode::kUsage,
        fmt::format("{} {} to another PostgreSQL server or to a source's host: the application would use that one",
                    fmt::join(names, ", "), names.size() == 1 ? "leads" : "lead"),
        fmt::format("remove it from .env or the shell: rotv sets DATABASE_URL and PGHOST to the started database. "
                    "If it is wanted: allow_env = [\"{}\"] in [app] of rotv.toml",
                    fmt::join(names, "\", \"")));
  }
  RequireReachable(variables, rules, database);
}

os::Environment LibpqVariablesFor(const OwnDatabase& database) {
  os::Environment variables = {
      {"PGPORT", std::to_string(database.port)}, {"PGUSER", database.user}, {"PGDATABASE", database.name}};
  const bool socket = !database.socket_directory.empty();
  variables["PGHOST"] = socket ? database.socket_directory : "127.0.0.1";
  if (!socket && !database.password.empty()) variables["PGPASSWORD"] = database.password;
  return variables;
}

os::Environment WithOwnDatabase(const os::Environment& variables, const config::EnvironmentRules& rules,
                                const OwnDatabase& database) {
  os::Environment ours;
  for (const auto& [name, value] : variables) {
    if (Contains(rules.allowed, name)) {
      ours[name] = value;
      continue;
    }
    if (os::IsLibpqVariable(name) || Contains(kNotForApplications, name)) continue;
    std::string_view in_file = WithoutFileEnding(name);
    if (const DatabaseVariable* replaced = FindDatabaseVariable(in_file)) {
      ours[std::string(in_file)] = ValueFor(replaced->form, database, "");
    } else if (const DatabaseVariable* variable = Replacement(name, value)) {
      ours[name] = ValueFor(variable->form, database, value);
    } else {
      ours[name] = value;
    }
  }
  if (!ours.contains("DATABASE_URL")) ours["DATABASE_URL"] = ValueFor(Form::kUrl, database, "");
  ours.merge(LibpqVariablesFor(database));
  return ours;
}

ShellEnvironment ForShell(const os::Environment& variables, const config::EnvironmentRules& rules,
                          const OwnDatabase& database) {
  ShellEnvironment shell{variables, LeadingElsewhere(variables, rules)};
  for (const auto& [name, value] : variables) {
    if (!database.tcp && WantsJdbc(name, value, rules)) shell.withheld.push_back(name);
  }
  for (const std::string& name : shell.withheld) shell.variables.erase(name);
  shell.variables = WithOwnDatabase(shell.variables, rules, database);
  for (const char* agent : {"SSH_AUTH_SOCK", "SSH_AGENT_PID"}) {  // A user at a shell may use ssh.
    if (auto found = variables.find(agent); found != variables.end()) shell.variables.insert(*found);
  }
  return shell;
}

std::vector<std::string> EnvWords(const os::Environment& inherited, const os::Environment& wanted) {
  std::vector<std::string> words = {"env"};
  auto unset = [&](std::string_view name) { words.push_back(fmt::format("--unset={}", name)); };
  for (const auto& [name, value] : inherited) {
    if (!wanted.contains(name) && !os::IsLibpqVariable(name)) unset(name);
  }
  for (std::string_view name : os::LibpqVariables()) {
    // Variables that only psql reads are its user's preferences.
    if (!name.starts_with("PSQL") && !wanted.contains(std::string(name))) unset(name);
  }
  for (const auto& [name, value] : wanted) {
    auto old = inherited.find(name);
    if (old == inherited.end() || old->second != value) words.push_back(name + "=" + value);
  }
  return words;
}

}  // namespace rotv::launch
