#include "os/process_environment.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <optional>

#include "os/environment.h"

namespace rotv::os {
namespace {

using Variables = std::map<std::string, std::string>;

// These variables say how a connection is secured, or where files are that a `url` may refer to. None of them changes
// the server to which a connection goes.
constexpr std::array<std::string_view, 17> kSecurityVariables = {"PGCHANNELBINDING",
                                                                 "PGGSSENCMODE",
                                                                 "PGGSSLIB",
                                                                 "PGKRBSRVNAME",
                                                                 "PGPASSFILE",
                                                                 "PGREQUIREAUTH",
                                                                 "PGSERVICEFILE",
                                                                 "PGSSLCERT",
                                                                 "PGSSLCERTMODE",
                                                                 "PGSSLCRL",
                                                                 "PGSSLCRLDIR",
                                                                 "PGSSLKEY",
                                                                 "PGSSLMODE",
                                                                 "PGSSLROOTCERT",
                                                                 "PGSYSCONFDIR",
                                                                 "PGSSLMINPROTOCOLVERSION",
                                                                 "PGSSLMAXPROTOCOLVERSION"};

constexpr std::array<std::string_view, 36> kHelperVariables = {"PATH",
                                                               "HOME",
                                                               "USER",
                                                               "LOGNAME",
                                                               "SHELL",
                                                               "PWD",
                                                               "LANG",
                                                               "LANGUAGE",
                                                               "TZ",
                                                               "TERM",
                                                               "COLORTERM",
                                                               "NO_COLOR",
                                                               "TMPDIR",
                                                               "HTTP_PROXY",
                                                               "HTTPS_PROXY",
                                                               "NO_PROXY",
                                                               "ALL_PROXY",
                                                               "FTP_PROXY",
                                                               "http_proxy",
                                                               "https_proxy",
                                                               "no_proxy",
                                                               "all_proxy",
                                                               "ftp_proxy",
                                                               "SSL_CERT_FILE",
                                                               "SSL_CERT_DIR",
                                                               "CURL_CA_BUNDLE",
                                                               "NODE_EXTRA_CA_CERTS",
                                                               "DBUS_SESSION_BUS_ADDRESS",
                                                               "LD_LIBRARY_PATH",
                                                               "LD_PRELOAD",
                                                               "ASAN_OPTIONS",
                                                               "LSAN_OPTIONS",
                                                               "TSAN_OPTIONS",
                                                               "UBSAN_OPTIONS",
                                                               "REGISTRY_AUTH_FILE",
                                                               "KRB5CCNAME"};
constexpr std::string_view kTeamKeyVariable = "ROTV_TEAM_KEY";

// Prefixes of families of variables that grow with each release.
constexpr std::array<std::string_view, 10> kHelperFamilies = {
    "ROTV_", "LC_", "XDG_", "CONTAINER", "_CONTAINERS_", "PODMAN_", "DOCKER_", "BUILDAH_", "STORAGE_", "BUILDKIT_"};

template <typename Names>
bool Contains(const Names& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool IsForHelpers(std::string_view name, bool remote_runtime) {
  if (name == "SSH_AUTH_SOCK") return remote_runtime;
  if (name == kTeamKeyVariable) return false;  // A helper could read what is published, and publish.
  bool family = std::any_of(kHelperFamilies.begin(), kHelperFamilies.end(),
                            [&](std::string_view prefix) { return name.starts_with(prefix); });
  return family || Contains(kHelperVariables, name) || Contains(kSecurityVariables, name);
}

std::optional<Variables>& Taken() {
  static std::optional<Variables> taken;
  return taken;
}

}  // namespace

const std::vector<std::string_view>& LibpqVariables() {
  // The manuals of each major version, "Environment Variables" of libpq and psql, list these; PGTTY, PGREALM and
  // PGAUTHTYPE are older.
  static const std::vector<std::string_view> kVariables = {
      "PGAPPNAME",
      "PGAUTHTYPE",
      "PGCHANNELBINDING",
      "PGCLIENTENCODING",
      "PGCONNECT_TIMEOUT",
      "PGDATABASE",
      "PGDATESTYLE",
      "PGGEQO",
      "PGGSSDELEGATION",
      "PGGSSENCMODE",
      "PGGSSLIB",
      "PGHOST",
      "PGHOSTADDR",
      "PGKRBSRVNAME",
      "PGLOADBALANCEHOSTS",
      "PGLOCALEDIR",
      "PGMAXPROTOCOLVERSION",
      "PGMINPROTOCOLVERSION",
      "PGOAUTHDEBUG",
      "PGOPTIONS",
      "PGPASSFILE",
      "PGPASSWORD",
      "PGPORT",
      "PGREALM",
      "PGREQUIREAUTH",
      "PGREQUIREPEER",
      "PGREQUIRESSL",
      "PGSERVICE",
      "PGSERVICEFILE",
      "PGSSLCERT",
      "PGSSLCERTMODE",
      "PGSSLCOMPRESSION",
      "PGSSLCRL",
      "PGSSLCRLDIR",
      "PGSSLKEY",
      "PGSSLMAXPROTOCOLVERSION",
      "PGSSLMINPROTOCOLVERSION",
      "PGSSLMODE",
      "PGSSLNEGOTIATION",
      "PGSSLROOTCERT",
      "PGSSLSNI",
      "PGSYSCONFDIR",
      "PGTARGETSESSIONATTRS",
      "PGTTY",
      "PGTZ",
      "PGUSER",
      "PSQLRC",
      "PSQL_EDITOR",
      "PSQL_EDITOR_LINENUMBER_ARG",
      "PSQL_HISTORY",
      "PSQL_PAGER",
      "PSQL_WATCH_PAGER",
  };
  return kVariables;
}

bool IsLibpqVariable(std::string_view name) { return Contains(LibpqVariables(), name); }

const Variables& TakeEnvironment() {
  if (Taken()) return *Taken();  // What is removed below would be lost.
  Taken() = ProcessEnvironment();
  for (std::string_view name : LibpqVariables()) {
    // The variables of psql are its user's preferences, and stay.
    if (!Contains(kSecurityVariables, name) && !name.starts_with("PSQL")) unsetenv(std::string(name).c_str());
  }
  return *Taken();
}

Variables TakenEnvironment() { return Taken() ? *Taken() : ProcessEnvironment(); }

std::string TakenVariable(const std::string& name) { return Variable(Taken() ? *Taken() : ProcessEnvironment(), name); }

void SetTakenVariable(const std::string& name, const std::string& value) {
  if (Taken()) (*Taken())[name] = value;
  setenv(name.c_str(), value.c_str(), 1);
}

std::string EnvironmentPassword() { return TakenVariable("PGPASSWORD"); }

Variables HelperEnvironment(const Variables& environment) {
  const bool remote_runtime = environment.contains("CONTAINER_HOST") || environment.contains("DOCKER_HOST");
  Variables kept;
  for (const auto& [name, value] : environment) {
    if (IsForHelpers(name, remote_runtime)) kept.emplace(name, value);
  }
  return kept;
}

Variables HelperEnvironment() { return HelperEnvironment(Taken() ? *Taken() : ProcessEnvironment()); }

}  // namespace rotv::os
