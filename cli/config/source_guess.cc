#include "cli/config/source_guess.h"

#include <algorithm>
#include <fstream>
#include <sstream>

#include "cli/config/home.h"
#include "storage/ascii_case.h"
#include "storage/error.h"
#include "sync/context/conninfo.h"

namespace rotv::config {
namespace {

std::string DatabaseUrl(const os::Environment& environment, const std::filesystem::path& directory,
                        const EnvFiles& files) {
  constexpr const char* kName = "DATABASE_URL";
  std::string url = os::Variable(environment, kName);
  for (const char* file : {".env", "backend/.env"}) {
    if (!url.empty()) break;
    if (const auto& variables = files.Read(directory / file)) url = os::Variable(*variables, kName);
  }
  return url;
}

bool IsHere(const std::string& host) {
  return host.empty() || host.starts_with('/') || host == "localhost" || host == "::1" || host.starts_with("127.");
}

// The application's own database has mostly the names that production has.
void TakeDatabaseUrl(const std::string& url, SourceGuess* guess) {
  if (!url.starts_with("postgres://") && !url.starts_with("postgresql://")) return;
  const Conninfo parsed = ParseConninfo(url);
  if (!parsed.error.empty()) return;
  guess->from = "DATABASE_URL";
  guess->source.database = ValueOf(parsed, "dbname");
  guess->source.user = ValueOf(parsed, "user");
  const std::string host = ValueOf(parsed, "host");
  if (IsHere(host)) return;
  const std::string port = ValueOf(parsed, "port");
  // Names with characters that a URL would have to encode are asked for.
  const auto is_plain = [](const std::string& text) {
    return text.find_first_of("%/?#@:[] ,") == std::string::npos && !text.empty();
  };
  if (!is_plain(host) || !is_plain(guess->source.user) || !is_plain(guess->source.database)) return;
  guess->source.url = "postgresql://" + guess->source.user + "@" + host +
                      (port.empty() || port == "5432" ? "" : ":" + port) + "/" + guess->source.database +
                      "?sslmode=verify-full";
}

std::vector<std::string> SshHosts(const std::filesystem::path& file) {
  std::vector<std::string> hosts;
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    std::replace(line.begin(), line.end(), '=', ' ');
    std::istringstream words(line);
    std::string word;
    if (!(words >> word) || AsciiLower(word) != "host") continue;
    while (words >> word && !word.starts_with('#')) {
      if (word.find_first_of("*?!\"") == std::string::npos) hosts.push_back(word);
    }
  }
  return hosts;
}

}  // namespace

SourceGuess GuessSource(const os::Environment& environment, const std::filesystem::path& directory,
                        const EnvFiles& files) {
  SourceGuess guess;
  guess.ssh_hosts = SshHosts(UserHome(environment) / ".ssh" / "config");
  const std::string url = DatabaseUrl(environment, directory, files);
  for (const char* file : {".env", "backend/.env"}) files.Read(directory / file);
  try {
    if (std::optional<SourceConfig> source = SourceFromVariables(environment, directory, files)) {
      guess.source = *std::move(source);
      guess.from = "PRODUCTION_HOST";
      return guess;
    }
  } catch (const Error& error) {  // The files can be read, so it is what they say.
    guess.problem = error.what();
  }
  TakeDatabaseUrl(url, &guess);
  return guess;
}

}  // namespace rotv::config
