#include "cli/launch/scratch_server.h"

#include <fmt/format.h>

#include "cli/launch/startup_watch.h"
#include "cli/launch/tmpfs_size.h"
#include "cli/launch/twin_variables.h"
#include "os/run_program.h"
#include "os/shell_quote.h"
#include "os/tail_buffer.h"
#include "storage/error.h"

namespace rotv::launch {
namespace {

// This is long enough for any migrations. Only a server whose check was killed runs this long.
constexpr int kLifetimeSeconds = 3600;

std::string QuotedName(std::string_view name) {
  std::string quoted = "\"";
  for (char c : name) quoted += c == '"' ? "\"\"" : std::string(1, c);
  return quoted + '"';
}

}  // namespace

ScratchServer::ScratchServer(const ScratchRequest& request)
    : request_(request), runtime_(request.make_runtime(request.directory)) {
  runtime_->Stop();  // Removes what a killed check left.
  LaunchRequest launch{.seed = request.schema,
                       .tmpfs_bytes = TmpfsBytesFor(request.sql_bytes),
                       .app_directory = request.app.directory,
                       .database_only = true,
                       .lifetime_seconds = kLifetimeSeconds,
                       .shared = request.shared,
                       .image = request.app.image,
                       .database = request.app.database,
                       .roles = request.roles,
                       .twin = TwinVariables(request.facts, request.app),
                       .trust = request.trust,
                       .admin = kMigrated};
  runtime_->CheckReady(launch);
  runtime_->Start(launch);
  try {
    StartupWatch watch(*runtime_, request.directory / "run" / "app.log");
    watch.AwaitDatabase(request.progress, request.interrupt);
  } catch (...) {
    runtime_->Stop();
    throw;
  }
}

ScratchServer::~ScratchServer() {
  try {
    runtime_->Stop();
  } catch (const std::exception& error) {
    request_.progress.Warn(error.what());
  }
}

void ScratchServer::MakeMigratedDatabase() const {
  // The entrypoint has made this one like the source's, and nothing is in it.
  const std::string empty = request_.app.database + "_test";
  Psql({"-U", kMigrated, "-d", "postgres", "-c",
        fmt::format("CREATE DATABASE {} TEMPLATE {}", kMigrated, QuotedName(empty))});
}

std::string ScratchServer::Ask(const std::string& database, const std::vector<std::string>& statements) const {
  std::vector<std::string> arguments = {"-d", database};
  for (const std::string& statement : statements) arguments.insert(arguments.end(), {"-c", statement});
  return Psql(arguments);
}

std::string ScratchServer::Psql(const std::vector<std::string>& more) const {
  std::vector<std::string> arguments = {"-XAtq", "-v", "ON_ERROR_STOP=1"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  os::ProgramResult answer = os::RunProgramQuietly(runtime_->PsqlCommand(arguments, false), request_.interrupt);
  if (answer.exit_status == 0) return answer.out;
  throw Error(ErrorCode::kCannotStart, fmt::format("the scratch server reports an error: {}", os::LastLine(answer.err)),
              fmt::format("see {}", (request_.directory / "run" / "app.log").native()));
}

ScratchServer::Outcome ScratchServer::Run(const std::vector<std::string>& words,
                                          const os::Environment& environment) const {
  os::TailBuffer last;
  int status = os::RunProgramShowing(
      words, request_.interrupt, [&](std::string_view piece) { last.Append(piece); }, environment);
  return {.exit_status = status, .output = last.text()};
}

ScratchServer::Outcome ScratchServer::RunFiles(const SharedDirectory& shared,
                                               const std::vector<std::filesystem::path>& files) const {
  std::vector<std::string> arguments = {"-Xq", "-v", "ON_ERROR_STOP=1", "-o", "/dev/null"};
  arguments.insert(arguments.end(), {"-U", kMigrated, "-d", kMigrated});
  for (const std::filesystem::path& file : files) {
    // One psql runs all files: each process costs a tenth of a second in a container. A transaction that a file leaves
    // open is committed.
    arguments.insert(arguments.end(),
                     {"-c", "RESET ALL", "-f", runtime_->PlaceOf(shared) + "/" + file.native(), "-c", "COMMIT"});
  }
  return Run(runtime_->PsqlCommand(arguments, false));
}

ScratchServer::Outcome ScratchServer::RunCommand(const std::string& command) const {
  OwnDatabase own = runtime_->Database();
  own.user = own.name = kMigrated;
  std::string script = fmt::format("cd {} || exit\n{}\n", os::ShellQuote(runtime_->AppDirectory()), command);
  std::vector<std::string> words = runtime_->ShellCommand(false, own);
  words.insert(words.end(), {"-c", script});
  os::Environment environment = os::HelperEnvironment();
  environment.merge(runtime_->Inherited());
  return Run(words, environment);
}

}  // namespace rotv::launch
