#include "sync/link/direct_link.h"

#include <libpq-fe.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <filesystem>
#include <mutex>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "fmt/format.h"
#include "os/local_command.h"
#include "os/postgres_programs.h"
#include "os/process_environment.h"
#include "os/run_program.h"
#include "storage/error.h"
#include "sync/context/conninfo.h"
#include "sync/link/password_file.h"
#include "sync/link/password_relay.h"
#include "sync/link/server_proof.h"

namespace rotv::link {
namespace {

namespace fs = std::filesystem;

using Parameters = PgParameters;

// Without a url, the same settings as for SSH (host, port, database, user), here seen from this machine.
Parameters PartsOf(const SourceConfig& source) {
  Parameters parameters = {
      {"host", source.host}, {"port", std::to_string(source.port)}, {"dbname", source.database}, {"user", source.user}};
  std::erase_if(parameters, [](const auto& parameter) { return parameter.second.empty(); });
  return parameters;
}

Parameters ParseUrl(const SourceConfig& source) {
  if (source.url.empty()) return PartsOf(source);
  const Conninfo parsed = ParseConninfo(source.url);
  if (parsed.error.empty()) return parsed.values;
  // libpq's message can contain the url with its password; such a message is not shown.
  const bool names_url =
      parsed.error.find(source.url) != std::string::npos || parsed.error.find("password") != std::string::npos;
  throw Error(ErrorCode::kUsage,
              fmt::format("the url of source {} is not one that libpq understands{}", source.name,
                          names_url ? "" : ": " + parsed.error),
              "write it as postgresql://user@host:port/database?sslmode=verify-full");
}

// Quotes a value for a libpq connection string.
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

// Lists each `program` in the directories of PATH, and where packages keep versions that are not in PATH. Debian's
// wrapper is left out: it is slow, and only starts one of the latter.
std::set<fs::path> Candidates(const std::string& program) {
  std::vector<fs::path> directories = os::PathDirectories({{"PATH", os::TakenVariable("PATH")}});
  const std::vector<fs::path> packaged = os::PackagedPostgresDirectories();
  directories.insert(directories.end(), packaged.begin(), packaged.end());
  std::error_code ignored;
  std::set<fs::path> found;
  for (const fs::path& directory : directories) {
    if (access((directory / program).c_str(), X_OK) != 0) continue;
    const fs::path real = fs::canonical(directory / program, ignored);
    if (!ignored && real.filename() != "pg_wrapper") found.insert(real);
  }
  return found;
}

// Lets the kernel notice a peer that vanished. A peer that is only silent is noticed by StallWatch.
void AddTimeouts(Parameters& parameters, std::chrono::milliseconds stall_timeout) {
  const std::string third_s = std::to_string(std::max<int64_t>(1, stall_timeout.count() / 3000));
  parameters.try_emplace("connect_timeout", std::to_string(std::max<int64_t>(2, stall_timeout.count() / 1000)));
  parameters.try_emplace("keepalives_idle", third_s);
  parameters.try_emplace("keepalives_interval", third_s);
  parameters.try_emplace("keepalives_count", "2");
  parameters.try_emplace("tcp_user_timeout", std::to_string(stall_timeout.count()));
}

class DirectLink : public Link {
 public:
  DirectLink(const SourceConfig& source, std::string private_dir, const Interrupt& interrupt)
      : stall_timeout_(std::chrono::seconds(source.stall_timeout_s)),
        parameters_(ParseUrl(source)),
        proven_(ProvesServer(WithDefaults(parameters_))),
        private_dir_(std::move(private_dir)),
        interrupt_(interrupt) {}

  Parameters ConnectionParameters() override {
    const std::lock_guard lock(mutex_);
    if (!guarded_) {
      Parameters parameters = parameters_;
      AddTimeouts(parameters, stall_timeout_);
      if (!proven_) GuardPassword(parameters);
      guarded_ = std::move(parameters);
    }
    return *guarded_;
  }

  std::vector<LinkWarning> Warnings() const override {
    if (proven_) return {};
    return {{fmt::format("nothing proves that {} is the source: anyone in between can read and change what it sends",
                         ValueOr(parameters_, "host", ValueOr(parameters_, "hostaddr", "the server"))),
             "add ?sslmode=verify-full&sslrootcert=FILE to the url in rotv.toml, with the certificate of the authority "
             "that signed the server's"}};
  }

  std::chrono::milliseconds StallTimeout() const override { return stall_timeout_; }

  os::CommandResult Run(const os::ProgramCall& command,
                        const std::function<void(std::string_view)>& on_stdout) override {
    os::ProgramCall local = command;
    if (local.password.empty()) local.password = ValueOr(parameters_, "password", "");
    if (!local.argv.empty() && local.argv[0] == "pg_dump") local.argv[0] = DumpProgram();
    return os::RunLocalCommand(local, on_stdout, interrupt_);
  }

  // Gives one connection string, because a url can say more than -h, -p and -U (sslmode). It never has the password,
  // which the process list would show.
  std::vector<std::string> DumpArguments() override {
    std::string conninfo;
    for (const auto& [name, value] : ConnectionParameters()) {
      if (name == "password") continue;
      conninfo += fmt::format("{}{}={}", conninfo.empty() ? "" : " ", name, QuoteValue(value));
    }
    return {"-d", conninfo};
  }

  std::string FailureReason() const override {
    const std::lock_guard lock(mutex_);
    return relay_ == nullptr ? "" : relay_->Failure();
  }

  std::string Description() const override {
    return fmt::format("{}:{}, database {}",
                       ValueOr(parameters_, "host", ValueOr(parameters_, "hostaddr", "local socket")),
                       ValueOr(parameters_, "port", "5432"), ValueOr(parameters_, "dbname", "(of the user's name)"));
  }

  uint64_t BytesReceived() const override { return 0; }
  uint64_t BytesSent() const override { return 0; }

 private:
  // Keeps libpq from sending the password in cleartext to a server that nothing proves. Since version 16 libpq has an
  // option for that (require_auth). Before, with TLS, libpq is bound to SCRAM with channel binding, which fails if
  // anyone is in between; without TLS it goes through a relay that inspects the login.
  void GuardPassword(Parameters& parameters) {
    constexpr int kKnowsRequireAuth = 160000;
    if (PQlibVersion() >= kKnowsRequireAuth) {
      parameters.try_emplace("require_auth", "!password");
      return;
    }
    const Parameters all = WithDefaults(parameters);
    const std::string password = PasswordOf(all);
    if (password.empty()) {
      parameters["passfile"] = private_dir_ + "/none";  // libpq must not find a password by itself either.
      return;
    }
    const std::string mode = ValueOr(all, "sslmode", "prefer");
    const std::string host = ValueOr(all, "hostaddr", ValueOr(all, "host", ""));
    const std::string port = ValueOr(all, "port", "5432");
    const bool is_one_server = !host.empty() && (host + port).find(',') == std::string::npos;
    const bool insists = mode == "require" || mode == "verify-ca";
    const int port_number = static_cast<int>(std::strtol(port.c_str(), nullptr, 10));
    if (insists || !is_one_server || (mode != "disable" && ServerSpeaksTls(host, port_number, interrupt_))) {
      parameters["channel_binding"] = "require";
      parameters["gssencmode"] = "disable";
      if (!insists) parameters["sslmode"] = "require";
      return;
    }
    relay_ = std::make_unique<PasswordRelay>(PasswordRelay::Server{host, port_number}, private_dir_);
    for (const char* name : {"hostaddr", "sslmode", "channel_binding", "gssencmode"}) parameters.erase(name);
    parameters["host"] = relay_->directory();
    parameters["port"] = std::to_string(SocketPlace::kPort);
    parameters["password"] = password;  // A pgpass file has it under the server's name, not the socket's.
  }

  static std::string PasswordOf(const Parameters& all) {
    if (std::string given = os::EnvironmentPassword(); !given.empty()) return given;
    const std::string user = ValueOr(all, "user", "");
    const PasswordQuery query{.hosts = {ValueOr(all, "host", ValueOr(all, "hostaddr", "localhost"))},
                              .port = ValueOr(all, "port", "5432"),
                              .database = ValueOr(all, "dbname", user),
                              .user = user};
    return LookUpPassword(query, ValueOr(all, "passfile", "")).value_or("");
  }

  std::string DumpProgram() {
    const std::lock_guard lock(mutex_);
    if (dump_program_.empty()) dump_program_ = FindNewestProgram("pg_dump", interrupt_);
    return dump_program_;
  }

  const std::chrono::milliseconds stall_timeout_;
  const Parameters parameters_;  // The url's parameters.
  const bool proven_;
  const std::string private_dir_;
  const Interrupt& interrupt_;
  mutable std::mutex mutex_;
  std::optional<Parameters> guarded_;     // Guarded by mutex_.
  std::unique_ptr<PasswordRelay> relay_;  // Guarded by mutex_.
  std::string dump_program_;              // Guarded by mutex_.
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
    os::ProgramCall ask;
    ask.argv = {candidate.string(), "--version"};
    std::string text;
    const auto collect = [&text](std::string_view piece) { text.append(piece); };
    if (os::RunLocalCommand(ask, collect, interrupt).exit_status != 0) continue;
    const int major = MajorVersionOf(text);
    if (major > newest_major) {
      newest = candidate.string();
      newest_major = major;
    }
  }
  return newest;
}

std::unique_ptr<Link> MakeDirectLink(const SourceConfig& source, const std::string& private_dir,
                                     const Interrupt& interrupt) {
  return std::make_unique<DirectLink>(source, private_dir, interrupt);
}

}  // namespace rotv::link
