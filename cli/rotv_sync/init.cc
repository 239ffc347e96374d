// Asks where the source is, tries it, and writes rotv.toml.

#include <fmt/format.h>
#include <unistd.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/config/home.h"
#include "cli/config/new_config.h"
#include "cli/config/source_check.h"
#include "cli/config/source_guess.h"
#include "cli/output/questions.h"
#include "cli/report/doctor_report.h"
#include "cli/rotv_sync/command.h"
#include "os/foreground_program.h"
#include "os/run_program.h"
#include "os/temporary_directory.h"
#include "storage/atomic_file.h"
#include "storage/error.h"
#include "sync/context/ssh_target.h"
#include "sync/doctor.h"
#include "sync/find_containers.h"

namespace rotv {
namespace {

namespace fs = std::filesystem;

struct InitFlags {
  SourceConfig source;  // What the options say of it.
  bool port_is_given = false;
  bool yes = false;
  bool force = false;
  bool no_check = false;
};

// The file that the commands read afterwards.
fs::path TargetFile(const program::Invocation& call) {
  const config::ConfigRequest& request = call.config.request();
  std::string named = request.config.empty() ? os::Variable(call.environment, "ROTV_CONFIG") : request.config;
  if (named.empty()) named = (request.directory / "rotv.toml").native();
  return fs::absolute(config::ExpandTilde(named, call.environment)).lexically_normal();
}

void RequireNoFile(const fs::path& file, bool force) {
  std::error_code ignored;
  if (force || !fs::exists(fs::symlink_status(file, ignored))) return;
  throw Error(ErrorCode::kUsage, fmt::format("there is a {} already", file.native()),
              "change it with an editor and run rotv-sync doctor; init --force writes a new one and keeps this one as "
              "rotv.toml.old");
}

bool NamesWay(const SourceConfig& source) {
  return !source.ssh.empty() || !source.url.empty() || !source.remote.empty();
}

// Options come before what is guessed, and a way that they name replaces a guessed one.
SourceConfig SourceFrom(const program::Invocation& call, const InitFlags& flags, const config::SourceGuess& guess) {
  SourceConfig source = guess.source;
  const SourceConfig& given = flags.source;
  if (NamesWay(given)) {
    source = SourceConfig{
        .ssh = given.ssh, .database = source.database, .user = source.user, .url = given.url, .remote = given.remote};
  }
  const auto take = [](const std::string& text, std::string* into) {
    if (!text.empty()) *into = text;
  };
  take(given.container, &source.container);
  take(given.runtime, &source.runtime);
  take(given.host, &source.host);
  take(given.database, &source.database);
  take(given.user, &source.user);
  take(given.identity, &source.identity);
  take(given.known_hosts, &source.known_hosts);
  if (flags.port_is_given) source.port = given.port;
  const bool describes_server = flags.port_is_given || !given.container.empty() || !given.host.empty() ||
                                !given.database.empty() || !given.user.empty() || !given.identity.empty() ||
                                !given.known_hosts.empty();
  if (describes_server && given.url.empty()) source.url.clear();  // A guessed one says all of that otherwise.
  source.name = call.options.source.empty() ? "production" : call.options.source;
  return source;
}

// A relative path on the command line is one of the working directory; in the file it would be one of the file's.
void MakePathsAbsolute(SourceConfig* source) {
  for (std::string* path : {&source->identity, &source->known_hosts, &source->remote}) {
    const bool is_path = path != &source->remote || path->find("://") == std::string::npos;
    if (!path->empty() && is_path && !path->starts_with('~')) *path = fs::absolute(*path).lexically_normal();
  }
}

void RequireWay(const SourceConfig& source) {
  if (!NamesWay(source) && source.host.empty()) {
    throw Error(ErrorCode::kUsage, "nothing says where the data comes from",
                "rotv-sync init --ssh user@host --database NAME --user NAME, or --url postgresql://…, or --remote "
                "s3://…; on a terminal, and without --yes, it asks");
  }
  if (!source.remote.empty()) return;
  if (const std::optional<config::SourceProblem> problem = config::CheckSource(source)) {
    const bool is_missing = problem->key == "database" && source.database.empty();
    throw Error(ErrorCode::kUsage, is_missing ? "no database is named" : problem->message,
                is_missing ? "add --database NAME" : problem->hint);
  }
}

// --- Questions

void AskWay(output::Questions& questions, const config::SourceGuess& guess, SourceConfig* source) {
  enum Way : size_t { kSsh, kUrl, kRemote };
  if (!guess.from.empty()) questions.Say(fmt::format("Taking what {} says for a proposal.", guess.from));
  const size_t usual = !source->remote.empty() ? kRemote : !source->url.empty() ? kUrl : kSsh;
  const size_t way =
      questions.Choose("Where does the data come from?",
                       {"PostgreSQL on a host that is reached by SSH, in a container there or not",
                        "PostgreSQL by a URL, without SSH (postgresql://…)",
                        "a history that a colleague publishes (s3://…, https://…, ssh://…, a directory)"},
                       usual);
  SourceConfig asked = *source;
  asked.ssh = asked.url = asked.remote = "";
  if (way == kSsh) {
    std::string known;
    for (const std::string& host : guess.ssh_hosts) known += (known.empty() ? "" : ", ") + host;
    if (!known.empty()) questions.Say("hosts of ~/.ssh/config: " + known);
    asked.ssh = questions.AskUntilGiven("host (user@host[:port], or a Host of ~/.ssh/config)", source->ssh);
  } else if (way == kUrl) {
    asked.url = questions.AskUntilGiven("URL without a password (postgresql://user@host/database?sslmode=verify-full)",
                                        source->url);
  } else {
    asked.remote = questions.AskUntilGiven("place", source->remote);
  }
  if (way != kSsh) asked.container = asked.host = "";
  *source = asked;
}

// A path as a value of ssh_config(5).
std::string SshQuoted(const std::string& path) {
  std::string quoted = "\"";
  for (char c : path) quoted += c == '%' ? "%%" : std::string(1, c);
  return quoted + '"';
}

// Lets OpenSSH show the host's key and ask whether it is the right one, or for a key's passphrase: it knows how.
bool LetSshAsk(const program::Invocation& call, output::Questions& questions, const SourceConfig& source) {
  if (!os::ProgramIsHere("ssh", call.environment)) return false;
  if (!questions.Confirm("Shall ssh log in there once, show the host's key and ask about it?", true)) return false;
  const SshTarget target = ParseSshTarget(source.ssh);
  std::vector<std::string> words = {"ssh", "-n"};  // What is typed in advance is for us.
  if (target.port != 0) words.insert(words.end(), {"-p", std::to_string(target.port)});
  if (!source.identity.empty()) words.insert(words.end(), {"-i", source.identity});
  if (!source.known_hosts.empty())
    words.insert(words.end(), {"-o", "UserKnownHostsFile=" + SshQuoted(source.known_hosts)});
  words.insert(words.end(), {"--", (target.user.empty() ? "" : target.user + "@") + target.host, "true"});
  return os::RunInForeground(words, call.environment) == 0;
}

Context ContextFor(const program::Invocation& call, const SourceConfig& source) {
  return {source, call.home, call.progress, call.interrupt};
}

// A host that cannot be reached is told, and has none: what was answered so far is not lost.
std::vector<FoundContainer> ContainersThere(const program::Invocation& call, output::Questions& questions,
                                            const SourceConfig& source) {
  for (bool again = true;; again = false) {
    try {
      return FindContainers(ContextFor(call, source));
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kRefused && error.code() != ErrorCode::kUnreachable) throw;
      questions.Say(error.what());
      if (again && error.code() == ErrorCode::kRefused && LetSshAsk(call, questions, source)) continue;
      questions.Say("hint: " + error.hint());
      return {};
    }
  }
}

void AskContainer(const program::Invocation& call, output::Questions& questions, SourceConfig* source) {
  const std::vector<FoundContainer> containers = ContainersThere(call, questions, *source);
  if (containers.empty()) return;
  std::vector<std::string> options = {"in no container"};
  size_t usual = 0;
  for (const FoundContainer& one : containers) {
    options.push_back(fmt::format("in {} ({}, {})", one.name, one.runtime, one.image));
    if (one.name == source->container) usual = options.size() - 1;
  }
  if (usual == 0 && containers.front().image.find("postg") != std::string::npos) usual = 1;
  const size_t chosen = questions.Choose("Where on that host does PostgreSQL run?", options, usual);
  source->container = chosen == 0 ? "" : containers[chosen - 1].name;
  if (chosen != 0) source->runtime = containers[chosen - 1].runtime;
}

void AskAll(const program::Invocation& call, output::Questions& questions, const InitFlags& flags,
            const config::SourceGuess& guess, SourceConfig* source) {
  const SourceConfig& given = flags.source;
  if (!NamesWay(given)) AskWay(questions, guess, source);
  MakePathsAbsolute(source);
  if (source->ssh.empty()) return;
  if (given.container.empty() && !flags.no_check) AskContainer(call, questions, source);
  if (given.database.empty()) source->database = questions.AskUntilGiven("database", source->database);
  if (given.user.empty()) {
    source->user = questions.AskUntilGiven("role to log in as", source->user.empty() ? "postgres" : source->user);
  }
}

// --- The file

// Reads the text as every command will, from a file that nobody else sees.
SourceConfig ReadBack(const program::Invocation& call, const SourceConfig& source, const std::string& text) {
  const os::TemporaryDirectory directory;
  const fs::path file = directory.path() / "rotv.toml";
  WriteNewFile(file, text);
  const config::ConfigRequest& request = call.config.request();
  const config::Config written({.config = file,
                                .source = source.name,
                                .home = request.home,
                                .directory = request.directory,
                                .environment = request.environment});
  try {
    return written.Source();
  } catch (const Error& error) {
    throw Error(error.code(), fmt::format("these answers make no configuration: {}", error.what()), error.hint());
  }
}

// Returns where the file that was there is now; empty if there was none.
fs::path WriteConfig(const fs::path& file, const std::string& text, bool force) {
  AtomicFile out(file);
  out.Permit(0644, getgid());  // It has no secrets, and is mostly committed to the project.
  out.Write(text);
  std::error_code none;
  if (!force || !fs::exists(fs::symlink_status(file, none))) {
    if (!out.CommitIfMissing()) RequireNoFile(file, false);
    return {};
  }
  // The one before keeps its name until the new one takes it, and no earlier one is lost.
  fs::path old = file.native() + ".old";
  for (int number = 2; fs::exists(fs::symlink_status(old, none)); ++number) {
    old = fmt::format("{}.old.{}", file.native(), number);
  }
  fs::copy(file, old, fs::copy_options::copy_symlinks);
  out.Commit();
  return old;
}

std::string NextSteps(const DoctorReport& report, bool follows_remote) {
  if (report.FirstProblem() != nullptr) return "Next: mend what is named above, then rotv-sync doctor.\n";
  if (follows_remote) return "Next: rotv-sync pull, then rotv start or rotv-sync materialize.\n";
  return "Next: rotv-sync mask suggest >>rotv.toml if there is personal data (docs/masking.md), then rotv-sync "
         "baseline.\n";
}

int RunInit(const program::Invocation& call, const InitFlags& flags) {
  const fs::path file = TargetFile(call);
  RequireNoFile(file, flags.force);
  const config::ConfigRequest& request = call.config.request();
  const config::SourceGuess guess = config::GuessSource(call.environment, request.directory, call.config.Variables());
  if (!guess.problem.empty() && !NamesWay(flags.source)) call.progress.Warn(guess.problem);
  SourceConfig source = SourceFrom(call, flags, guess);
  output::Questions questions(
      STDIN_FILENO, [](std::string_view text) { output::WriteAll(STDERR_FILENO, text); }, call.interrupt);
  const bool asks = !flags.yes && output::Questions::ArePossible(call.environment);
  if (asks) AskAll(call, questions, flags, guess, &source);
  MakePathsAbsolute(&source);
  RequireWay(source);
  const std::string text = config::NewConfigText(source);
  const SourceConfig read = ReadBack(call, source, text);

  DoctorReport report;
  std::string shown;
  if (!flags.no_check) {
    config::OpenHome(call.home);
    report = Examine(ContextFor(call, read), {read.name});
    shown = report::DoctorText(report, report::Detail::kProblemsFirst, call.style) + "\n";
    const capture::Check* problem = report.FirstProblem();
    const bool reached = problem == nullptr || !report.server.empty();
    if (!reached &&
        !(asks &&
          questions.Confirm(fmt::format("{}\n{}\nWrite it all the same?", problem->message, problem->fix), false))) {
      throw Error(problem->code, problem->message,
                  problem->fix + "; nothing was written (init --no-check writes without trying)");
    }
  }
  const fs::path old = WriteConfig(file, text, flags.force);
  shown += fmt::format("Wrote {}.{}\n", file.native(),
                       old.empty() ? "" : fmt::format(" The one before is {}.", old.native()));
  if (!flags.no_check) shown += NextSteps(report, !source.remote.empty());
  output::Json document{{"path", file.native()}, {"source", source.name}, {"old", old.native()}};
  if (!flags.no_check) document["doctor"] = report::DoctorJson(report);
  call.output.Result(shown, document);
  const capture::Check* problem = report.FirstProblem();
  return problem == nullptr ? 0 : static_cast<int>(problem->code);
}

}  // namespace

program::Command DeclareInit(CLI::App& app) {
  app.description("Ask where the data comes from, try it, and write rotv.toml");
  app.footer(
      "Proposes what .env, DATABASE_URL and ~/.ssh/config say. What is given as an option is not asked for;\n"
      "without a terminal nothing is. The source is examined as by doctor, and nothing there is changed.\n"
      "Exits with 0 if a baseline would work.\n\n"
      "Examples:\n"
      "  rotv-sync init\n"
      "  rotv-sync init --ssh root@db.example.org --container db --database rotv --user rotv --yes\n"
      "  rotv-sync --source staging init --url 'postgresql://rotv@staging/rotv?sslmode=verify-full'\n"
      "  rotv-sync init --remote s3://bucket/history");
  const auto flags = std::make_shared<InitFlags>();
  flags->source.runtime.clear();
  SourceConfig& source = flags->source;
  CLI::Option* ssh = app.add_option("--ssh", source.ssh, "The host: user@host[:port], or a Host of ~/.ssh/config");
  ssh->type_name("HOST");
  CLI::Option* url = app.add_option("--url", source.url, "A postgresql:// URL, in place of SSH");
  url->type_name("URL");
  CLI::Option* remote = app.add_option("--remote", source.remote, "Where a history is published that is followed");
  remote->type_name("PLACE")->excludes(ssh)->excludes(url);
  url->excludes(ssh);
  const auto of_server = [&](const char* name, std::string& field, const char* what, const char* type) {
    app.add_option(name, field, what)->type_name(type)->excludes(url)->excludes(remote);
  };
  of_server("--container", source.container, "The container there in which PostgreSQL runs", "NAME");
  app.add_option("--runtime", source.runtime, "What runs that container (default: podman)")
      ->check(CLI::IsMember({"podman", "docker"}));
  of_server("--host", source.host, "The server's host or socket directory, as seen from there", "HOST");
  app.add_option("--port", source.port, "Its port (default: 5432)")->check(CLI::Range(1, 65535))->excludes(url);
  of_server("--database", source.database, "The database", "NAME");
  of_server("--user", source.user, "The role to log in as", "NAME");
  app.add_option("--identity", source.identity, "The private key for SSH")->type_name("FILE")->excludes(url);
  app.add_option("--known-hosts", source.known_hosts, "In place of SSH's own files")->type_name("FILE")->excludes(url);
  app.add_flag("--yes", flags->yes, "Ask nothing");
  app.add_flag("--no-check", flags->no_check, "Write the file without trying the source");
  app.add_flag("--force", flags->force, "Replace rotv.toml; the one before is kept as rotv.toml.old");
  CLI::App* command = &app;
  return {[flags, command](const program::Invocation& call) {
            flags->port_is_given = command->count("--port") > 0;
            return RunInit(call, *flags);
          },
          nullptr};
}

}  // namespace rotv
