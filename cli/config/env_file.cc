#include "cli/config/env_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <vector>

#include "cli/config/source_check.h"
#include "os/text_file.h"
#include "storage/error.h"

namespace rotv::config {
namespace {

bool IsKeyCharacter(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
}

class EnvParser {
 public:
  EnvParser(std::string_view text, const std::string& file) : rest_(text), file_(file) {
    if (rest_.starts_with("\xEF\xBB\xBF")) rest_.remove_prefix(3);  // The byte order mark that some editors write.
  }

  os::Environment Parse() {
    while (!rest_.empty()) {
      SkipBlanks();
      if (AtLineEnd() || rest_[0] == '#') {
        SkipLine();
        continue;
      }
      ParseAssignment();
    }
    return std::move(variables_);
  }

 private:
  [[noreturn]] void Fail(int line, std::string_view what) const {
    throw Error(ErrorCode::kUsage, fmt::format("{}:{}: {}", file_, line, what),
                "expected KEY=value, KEY='value' or KEY=\"value\", one per line, and comments that start with #");
  }

  bool AtLineEnd() const { return rest_.empty() || rest_[0] == '\n' || rest_.starts_with("\r\n"); }
  void SkipBlanks() {
    while (!rest_.empty() && (rest_[0] == ' ' || rest_[0] == '\t')) rest_.remove_prefix(1);
  }
  void SkipLine() {
    size_t end = rest_.find('\n');
    rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
    ++line_;
  }

  std::string_view TakeKey() {
    auto end = std::find_if_not(rest_.begin(), rest_.end(), IsKeyCharacter);
    std::string_view key = rest_.substr(0, static_cast<size_t>(end - rest_.begin()));
    rest_.remove_prefix(key.size());
    return key;
  }

  void ParseAssignment() {
    std::string_view key = TakeKey();
    SkipBlanks();
    if (key == "export" && !rest_.empty() && IsKeyCharacter(rest_[0])) {
      key = TakeKey();
      SkipBlanks();
    }
    if (key.empty() || (key[0] >= '0' && key[0] <= '9')) Fail(line_, "the line does not start with a variable's name");
    if (rest_.empty() || rest_[0] != '=') Fail(line_, "there is no '=' after the variable's name");
    rest_.remove_prefix(1);
    SkipBlanks();

    bool quoted = !rest_.empty() && (rest_[0] == '\'' || rest_[0] == '"');
    variables_[std::string(key)] = quoted ? TakeQuoted() : TakeUnquoted();
    SkipLine();
  }

  std::string TakeUnquoted() {
    std::string_view value = rest_.substr(0, rest_.find('\n'));
    for (size_t i = 0; i < value.size(); ++i) {
      bool comment = value[i] == '#' && (i == 0 || value[i - 1] == ' ' || value[i - 1] == '\t');
      if (comment) value = value.substr(0, i);
    }
    size_t last = value.find_last_not_of(" \t\r");
    return std::string(value.substr(0, last == std::string_view::npos ? 0 : last + 1));
  }

  std::string TakeQuoted() {
    int first_line = line_;
    char quote = rest_[0];
    rest_.remove_prefix(1);
    std::string value;
    while (true) {
      if (rest_.empty()) Fail(first_line, "the quote that starts here does not end");
      char c = rest_[0];
      rest_.remove_prefix(1);
      if (c == quote) break;
      if (c == '\n') ++line_;
      if (c == '\\' && quote == '"' && !rest_.empty()) {
        AppendEscaped(value);
      } else {
        value += c;
      }
    }
    SkipBlanks();
    if (!AtLineEnd() && rest_[0] != '#') Fail(line_, "there is something after the closing quote");
    return value;
  }

  void AppendEscaped(std::string& value) {
    static constexpr std::string_view kEscapes = "nrt\"\\$`";
    static constexpr std::string_view kMeanings = "\n\r\t\"\\$`";
    size_t which = kEscapes.find(rest_[0]);
    if (which == std::string_view::npos) {
      value += '\\';  // The caller takes the next character unchanged.
      return;
    }
    value += kMeanings[which];
    rest_.remove_prefix(1);
  }

  std::string_view rest_;
  const std::string& file_;
  int line_ = 1;
  os::Environment variables_;
};

struct Found {
  std::string value;
  std::string where;  // "PGDATABASE in .env"
};

Found Lookup(const std::string& name, const std::vector<std::pair<std::string, os::Environment>>& places) {
  for (const auto& [place, variables] : places) {
    if (std::string value = os::Variable(variables, name); !value.empty())
      return {value, fmt::format("{} in {}", name, place)};
  }
  return {"", name};
}

int PortOf(const Found& port, const char* whose) {
  int number = 0;
  const char* end = port.value.data() + port.value.size();
  auto [stop, error] = std::from_chars(port.value.data(), end, number);
  if (error == std::errc() && stop == end && number >= 1 && number <= 65535) return number;
  throw Error(ErrorCode::kUsage, port.where + " is not a port",
              fmt::format("expected a number from 1 to 65535, the port of {}", whose));
}

// Returns user@host[:port], like `ssh` in rotv.toml. A numeric IPv6 address is put in brackets.
std::string SshPlace(const Found& user, const Found& host, const Found& port) {
  if (host.value.find('@') != std::string::npos || host.value.find('/') != std::string::npos) {
    throw Error(ErrorCode::kUsage, host.where + " is not the name of a host",
                "give only the name; the user is PRODUCTION_USER, the port PRODUCTION_PORT");
  }
  bool bare_ipv6 = std::count(host.value.begin(), host.value.end(), ':') > 1 && host.value[0] != '[';
  std::string place =
      fmt::format(fmt::runtime(bare_ipv6 ? "{}@[{}]" : "{}@{}"), user.value.empty() ? "root" : user.value, host.value);
  if (port.value.empty()) return place;

  return fmt::format("{}:{}", place, PortOf(port, "SSH"));
}

}  // namespace

os::Environment ParseEnvFile(std::string_view text, const std::string& file) { return EnvParser(text, file).Parse(); }

const std::optional<os::Environment>& EnvFiles::Read(const std::filesystem::path& path) const {
  const std::filesystem::path name = std::filesystem::absolute(path).lexically_normal();
  if (const auto found = read_.find(name); found != read_.end()) return found->second;
  std::optional<os::Environment> variables;
  if (const std::optional<std::string> text = os::ReadTextFile(path)) variables = ParseEnvFile(*text, path.native());
  return read_.emplace(name, std::move(variables)).first->second;
}

std::optional<SourceConfig> SourceFromVariables(const os::Environment& environment,
                                                const std::filesystem::path& directory, const EnvFiles& files) {
  std::vector<std::pair<std::string, os::Environment>> places = {{"the environment", environment}};
  for (const char* file : {".env", "backend/.env"}) {
    if (const auto& variables = files.Read(directory / file)) places.emplace_back(file, *variables);
  }
  Found host = Lookup("PRODUCTION_HOST", places);
  if (host.value.empty()) return std::nullopt;

  Found ssh_user = Lookup("PRODUCTION_USER", places);
  Found container = Lookup("PRODUCTION_CONTAINER", places);
  Found database = Lookup("PGDATABASE", places);
  Found user = Lookup("PGUSER", places);
  Found server = Lookup("PRODUCTION_PGHOST", places);
  Found server_port = Lookup("PRODUCTION_PGPORT", places);
  if (database.value.empty()) {
    throw Error(ErrorCode::kUsage, "PRODUCTION_HOST is set, but PGDATABASE is not",
                "set PGDATABASE in the environment, in .env or in backend/.env to the name of the database");
  }
  SourceConfig source;
  source.name = "production";
  source.ssh = SshPlace(ssh_user, host, Lookup("PRODUCTION_PORT", places));
  source.container = container.value;
  source.database = database.value;
  source.user = user.value;
  source.host = server.value;
  if (!server_port.value.empty()) source.port = PortOf(server_port, "PostgreSQL");
  if (std::optional<SourceProblem> problem = CheckSource(source)) {
    const std::map<std::string, std::string> variables = {{"ssh", host.where},
                                                          {"container", container.where},
                                                          {"host", server.where},
                                                          {"database", database.where},
                                                          {"user", user.where}};
    auto variable = variables.find(problem->key);
    std::string where = variable == variables.end() ? "the environment" : variable->second;
    throw Error(ErrorCode::kUsage, fmt::format("{}: {}", where, problem->message), problem->hint);
  }
  return source;
}

}  // namespace rotv::config
