#include "sync/direct_link.h"

#include <libpq-fe.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <set>
#include <string_view>
#include <utility>

#include "fmt/format.h"
#include "storage/error.h"
#include "sync/local_command.h"

namespace rotv {
namespace {

namespace fs = std::filesystem;

using Parameters = std::map<std::string, std::string>;

// Without a url the parts that also serve behind SSH: then seen from here.
Parameters PartsOf(const SourceConfig& source) {
  Parameters parameters = {
      {"host", source.host}, {"port", std::to_string(source.port)}, {"dbname", source.database}, {"user", source.user}};
  std::erase_if(parameters, [](const auto& parameter) { return parameter.second.empty(); });
  return parameters;
}

Parameters ParseUrl(const SourceConfig& source) {
  if (source.url.empty()) return PartsOf(source);
  char* error_text = nullptr;
  PQconninfoOption* options = PQconninfoParse(source.url.c_str(), &error_text);
  if (options == nullptr) {
    std::string why = error_text != nullptr ? error_text : "out of memory";
    PQfreemem(error_text);
    while (why.ends_with('\n')) why.pop_back();
    // libpq's text can repeat the url with its password, so that it is not passed on.
    const bool names_url = why.find(source.url) != std::string::npos || why.find("password") != std::string::npos;
    throw Error(ErrorCode::kUsage,
                fmt::format("the url of source {} is not one that libpq understands{}", source.name,
                            names_url ? "" : ": " + why),
                "write it as postgresql://user@host:port/database?sslmode=verify-full");
  }
  Parameters parameters;
  for (const PQconninfoOption* option = options; option->keyword != nullptr; ++option) {
    if (option->val != nullptr) parameters[option->keyword] = option->val;
  }
  PQconninfoFree(options);
  return parameters;
}

// A value of a libpq connection string.
std::string QuoteValue(std::string_view value) {
  std::string quoted = "'";
  for (const char c : value) {
    if (c == '\'' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "'";
}

std::string ValueOr(const Parameters& parameters, const std::string& name, const std::string& otherwise) {
  const auto found = parameters.find(name);
  return found == parameters.end() || found->second.empty() ? otherwise : found->second;
}

// `program` in every directory of PATH, and where packages keep the versions that PATH does not show; each once.
// Debian's wrapper, which takes longer than all else here, only starts one of the latter.
std::set<fs::path> Candidates(const std::string& program) {
  std::vector<fs::path> directories;
  const char* path = std::getenv("PATH");
  std::string_view rest = path != nullptr ? path : "";
  while (!rest.empty()) {
    const size_t colon = std::min(rest.find(':'), rest.size());
    if (colon > 0) directories.emplace_back(rest.substr(0, colon));
    rest.remove_prefix(std::min(colon + 1, rest.size()));
  }
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator("/usr/lib/postgresql", ignored)) {
    directories.push_back(entry.path() / "bin");
  }
  for (const auto& entry : fs::directory_iterator("/usr", ignored)) {
    if (entry.path().filename().string().starts_with("pgsql-")) directories.push_back(entry.path() / "bin");
  }
  std::set<fs::path> found;
  for (const fs::path& directory : directories) {
    if (access((directory / program).c_str(), X_OK) != 0) continue;
    const fs::path real = fs::canonical(directory / program, ignored);
    if (!ignored && real.filename() != "pg_wrapper") found.insert(real);
  }
  return found;
}

class DirectLink : public Link {
 public:
  DirectLink(const SourceConfig& source, const Interrupt& interrupt)
      : parameters_(ParseUrl(source)), interrupt_(interrupt) {}

  Parameters ConnectionParameters() override { return parameters_; }

  CommandResult Run(const RemoteCommand& command, const std::function<void(std::string_view)>& on_stdout) override {
    RemoteCommand local = command;
    if (local.password.empty()) local.password = ValueOr(parameters_, "password", "");
    if (!local.argv.empty() && local.argv[0] == "pg_dump") local.argv[0] = DumpProgram();
    return RunLocalCommand(local, on_stdout, interrupt_);
  }

  // One connection string, because an url says more than -h, -p, -U can (sslmode). Never with the password: it would
  // be seen in the process list.
  std::vector<std::string> DumpArguments() const override {
    std::string conninfo;
    for (const auto& [name, value] : parameters_) {
      if (name == "password") continue;
      conninfo += fmt::format("{}{}={}", conninfo.empty() ? "" : " ", name, QuoteValue(value));
    }
    return {"-d", conninfo};
  }

  std::string FailureReason() const override { return ""; }

  std::string Description() const override {
    return fmt::format("{}:{}, database {}",
                       ValueOr(parameters_, "host", ValueOr(parameters_, "hostaddr", "local socket")),
                       ValueOr(parameters_, "port", "5432"), ValueOr(parameters_, "dbname", "(of the user's name)"));
  }

  uint64_t BytesReceived() const override { return 0; }
  uint64_t BytesSent() const override { return 0; }

 private:
  std::string DumpProgram() {
    const std::lock_guard lock(mutex_);
    if (dump_program_.empty()) dump_program_ = FindNewestProgram("pg_dump", interrupt_);
    return dump_program_;
  }

  const Parameters parameters_;
  const Interrupt& interrupt_;
  std::mutex mutex_;
  std::string dump_program_;
};

}  // namespace

int MajorVersionOf(std::string_view version_text) {
  // "pg_dump (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)"
  const size_t digit = version_text.find_first_of("0123456789", version_text.find(')') + 1);
  if (digit == std::string_view::npos) return 0;
  int major = 0;
  std::from_chars(version_text.data() + digit, version_text.data() + version_text.size(), major);
  return major;
}

std::string FindNewestProgram(const std::string& program, const Interrupt& interrupt) {
  std::string newest = program;
  int newest_major = 0;
  for (const fs::path& candidate : Candidates(program)) {
    RemoteCommand ask;
    ask.argv = {candidate.string(), "--version"};
    std::string text;
    const auto collect = [&text](std::string_view piece) { text.append(piece); };
    if (RunLocalCommand(ask, collect, interrupt).exit_status != 0) continue;
    const int major = MajorVersionOf(text);
    if (major > newest_major) {
      newest = candidate.string();
      newest_major = major;
    }
  }
  return newest;
}

std::unique_ptr<Link> MakeDirectLink(const SourceConfig& source, const Interrupt& interrupt) {
  return std::make_unique<DirectLink>(source, interrupt);
}

}  // namespace rotv
