#include "cli/launch/local_runtime.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <linux/magic.h>
#include <pwd.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <thread>

#include "cli/launch/embedded_files.h"
#include "cli/launch/log_time.h"
#include "cli/output/format.h"
#include "cli/output/output.h"
#include "os/background_program.h"
#include "os/postgres_programs.h"
#include "os/process_environment.h"
#include "os/process_list.h"
#include "os/run_program.h"
#include "storage/atomic_file.h"
#include "storage/error.h"
#include "storage/handle.h"

namespace rotv::launch {
namespace {

// Returns the first directory above `path` that is closed to other users. PostgreSQL does not run as root, and its user
// can pass only through directories that are open to everyone.
std::optional<std::filesystem::path> ClosedDirectoryAbove(const std::filesystem::path& path) {
  std::filesystem::path partial;
  for (const std::filesystem::path& part : path.parent_path()) {
    partial /= part;
    std::filesystem::perms mode = std::filesystem::status(partial).permissions();
    if ((mode & std::filesystem::perms::others_exec) == std::filesystem::perms::none) return partial;
  }
  return std::nullopt;
}

void RequireOpenToServer(const std::filesystem::path& path) {
  if (geteuid() != 0) return;
  std::optional<std::filesystem::path> closed = ClosedDirectoryAbove(path);
  if (!closed) return;
  throw Error(ErrorCode::kUsage,
              fmt::format("PostgreSQL does not run as root, and its user cannot reach {}", path.native()),
              fmt::format("start as an ordinary user, or open the directory: chmod o+x '{}'", closed->native()));
}

// The port in the socket's name. A driver that does not support sockets and tries TCP finds nothing on this port, where
// only root can listen; on 5432 it could find a tunnel to production.
constexpr int kPort = 1;

// In the private directory.
constexpr const char* kMainProcess = "main-process";
constexpr const char* kCluster = "pgdata";
constexpr const char* kSocket = "socket";
constexpr std::chrono::seconds kStopTimeout{20};
constexpr std::chrono::milliseconds kPollProcess{5};

bool IsWritableTmpfs(const std::string& directory) {
  struct statfs status {};
  return !directory.empty() && statfs(directory.c_str(), &status) == 0 && status.f_type == TMPFS_MAGIC &&
         access(directory.c_str(), W_OK | X_OK) == 0;
}

std::filesystem::path TmpfsDirectory(const os::Environment& environment) {
  // A directory named by the user need not be a tmpfs: with little memory a disk may be better.
  if (std::string named = os::Variable(environment, "ROTV_TMPFS_DIR"); !named.empty()) return named;
  for (const std::string& place : {std::string("/dev/shm"), os::Variable(environment, "XDG_RUNTIME_DIR")}) {
    if (IsWritableTmpfs(place)) return place;
  }
  throw Error(ErrorCode::kUsage, "neither /dev/shm nor XDG_RUNTIME_DIR is a writable tmpfs",
              "name a directory for the database with ROTV_TMPFS_DIR");
}

// In a cluster that is not complete (entrypoint/directory.sh).
constexpr const char* kBeganMarker = "rotv-import-began";

// The user that root starts PostgreSQL as; null if there is none.
const passwd* ServiceUser(const os::Environment& environment) {
  const std::string name = os::Variable(environment, "ROTV_OS_USER");
  return getpwnam(name.empty() ? "postgres" : name.c_str());
}

std::string Marker(const std::filesystem::path& directory) { return "ROTV_RUN=" + directory.native(); }

// True for a process that we, or root as the service user, may have started.
bool MayBeOurs(pid_t process, const os::Environment& environment) {
  std::optional<uid_t> owner = os::UserOf(process);
  if (!owner) return false;
  if (*owner == geteuid()) return true;
  const passwd* user = geteuid() == 0 ? ServiceUser(environment) : nullptr;
  return user != nullptr && *owner == user->pw_uid;
}

// Returns the process of the server on `cluster`, from its postmaster.pid; 0 if there is none. The directory belongs to
// the service user, so root must neither follow a link there nor block on a pipe. The file may be old: the process
// counts only if its user fits and its command line names the cluster.
pid_t Postmaster(const std::filesystem::path& cluster, const os::Environment& environment) {
  FileDescriptor file(open((cluster / "postmaster.pid").c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  char text[32] = {};
  if (!file || read(file.get(), text, sizeof text - 1) <= 0) return 0;
  pid_t process = static_cast<pid_t>(std::strtol(text, nullptr, 10));
  if (process <= 0 || !MayBeOurs(process, environment)) return 0;
  std::vector<std::string> words = os::CommandLineOf(process);
  return std::find(words.begin(), words.end(), cluster.native()) != words.end() ? process : 0;
}

}  // namespace

LocalRuntime::LocalRuntime(const std::filesystem::path& place, const config::AppConfig& app,
                           const os::Environment& environment)
    : environment_(environment),
      app_directory_(app.directory),
      database_(app.database),
      port_(app.database_port != 0 ? app.database_port : kPort),
      rules_(app.environment_rules),
      private_directory_(place / "run" / "local-directory"),
      directory_(private_directory_.Find()),
      log_(place / "run" / "app.log"),
      persistent_dir_(place / "pgdata") {}

bool LocalRuntime::HasCluster(const std::filesystem::path& directory) const {
  return std::filesystem::exists(directory / "PG_VERSION") && !std::filesystem::exists(directory / kBeganMarker);
}

void LocalRuntime::CheckReady(const LaunchRequest& request) {
  if (os::FindPostgresPrograms(environment_).empty()) {
    throw Error(ErrorCode::kCannotStart,
                "there is no PostgreSQL server on this machine, and no container runtime is used",
                "sudo apt-get install postgresql (Fedora: sudo dnf install postgresql-server), or install podman");
  }
  const std::filesystem::path place = TmpfsDirectory(environment_);
  os::RequireSafePlace(place);
  RequireOpenToServer(place / "rotv");
  if (!request.persistent_dir.empty()) RequireOpenToServer(request.persistent_dir);
  if (request.app_command.empty() && !request.database_only) RequireNodeApplication();
}

// An application in Node.js needs its packages installed, which an image would contain.
void LocalRuntime::RequireNodeApplication() const {
  for (const std::filesystem::path& directory : {app_directory_ / "backend", app_directory_}) {
    std::ifstream file(directory / "package.json");
    if (!file) continue;
    if (!os::ProgramIsHere("node", environment_)) {
      throw Error(ErrorCode::kCannotStart, "the application needs Node.js, which is not installed on this machine",
                  "sudo apt-get install nodejs npm (Fedora: sudo dnf install nodejs), or install podman");
    }
    output::Json package = output::Json::parse(file, nullptr, false);
    bool needs_packages = package.is_object() && package.contains("dependencies") && !package["dependencies"].empty();
    if (needs_packages && !std::filesystem::exists(directory / "node_modules")) {
      throw Error(ErrorCode::kUsage,
                  fmt::format("the packages of the application in {} are not installed", directory.native()),
                  fmt::format("(cd '{}' && npm ci)", directory.native()));
    }
    return;
  }
}

std::vector<pid_t> LocalRuntime::Processes() const {
  if (!directory_) return {};
  std::vector<pid_t> found = os::ProcessesWithVariable(Marker(*directory_));
  std::erase_if(found, [this](pid_t process) { return !MayBeOurs(process, environment_); });
  return found;
}

std::vector<std::filesystem::path> LocalRuntime::Clusters() const {
  std::vector<std::filesystem::path> clusters = {persistent_dir_};
  if (directory_) clusters.push_back(*directory_ / kCluster);
  return clusters;
}

std::optional<os::RecordedProcess> LocalRuntime::MainProcess() const {
  std::optional<os::RecordedProcess> process;
  if (directory_) process = os::RecordedProcess::Read(*directory_ / kMainProcess);
  return process && process->IsAlive() ? process : std::nullopt;
}

RunState LocalRuntime::State() {
  if (MainProcess()) return RunState::kRunning;
  return directory_ ? RunState::kEnded : RunState::kNone;
}

os::Environment LocalRuntime::EntrypointVariables(const LaunchRequest& request) const {
  bool persistent = !request.persistent_dir.empty();
  os::Environment variables = request.environment;
  variables.insert(environment_.begin(), environment_.end());
  variables = WithOwnDatabase(variables, request.rules, Database());
  std::vector<std::string> libpq_names;
  for (const auto& [name, value] : request.environment) {
    if (os::IsLibpqVariable(name)) libpq_names.push_back(name);
  }
  variables["ROTV_LIBPQ_NAMES"] = fmt::format("{}", fmt::join(libpq_names, " "));
  variables["ROTV_RUN"] = *directory_;
  variables["ROTV_LOG_TIMES"] = LogTimes();
  variables["ROTV_RESTART"] = persistent ? RestartName(request.restart) : "";
  variables["ROTV_MODE"] = persistent ? "persistent" : "development";
  variables["ROTV_DATA"] = persistent ? request.persistent_dir : *directory_ / kCluster;
  variables["ROTV_SEED"] = request.seed;
  variables["ROTV_WARM"] = request.warm.cluster;
  variables["ROTV_WARM_SERVER"] = request.warm.server;
  variables["ROTV_WARM_LOCK"] = request.warm.lock;
  variables["ROTV_CLONE"] = copy_ ? "made" : request.warm.clone == Clone::kOverlay ? "overlay" : "copy";
  variables["ROTV_CARRY"] = request.warm.carry;
  variables["ROTV_CARRY_PIPE"] = request.warm.carry_pipe;
  variables["ROTV_WARM_EMPTY"] = request.warm.empty;
  variables["ROTV_WARM_EMPTY_SERVER"] = request.warm.empty_server;
  variables["ROTV_WARM_TO"] = request.warm.pipes;
  variables["ROTV_SOCKET_DIR"] = Database().socket_directory;
  variables["ROTV_PGPORT"] = std::to_string(Database().port);
  // The machine may run its own PostgreSQL on the usual port.
  variables["ROTV_LISTEN"] = request.database_port != 0 ? "127.0.0.1" : "";
  if (!request.database_password.empty()) variables["ROTV_PASSWORD"] = request.database_password;
  variables["ROTV_DATABASE"] = request.database;
  variables["ROTV_LIFETIME"] = request.lifetime_seconds > 0 ? std::to_string(request.lifetime_seconds) : "";
  variables["ROTV_OWNER"] = request.owner;
  variables["ROTV_ROLES"] = fmt::format("{}", fmt::join(request.roles, "\n"));
  for (const auto& [name, value] : request.twin) variables[name] = value;
  variables["ROTV_TRUST"] = request.trust ? "yes" : "no";
  variables["ROTV_SUPERUSER"] = request.superuser ? "yes" : "no";
  variables["ROTV_ADMIN"] = request.admin;
  variables["ROTV_APP_DIR"] = request.app_directory;
  variables["ROTV_PGBIN"] = os::FindPostgresPrograms(environment_);
  // A variable that is set and empty says that there is no command.
  if (!request.app_command.empty() || request.database_only) variables["ROTV_APP_COMMAND"] = request.app_command;
  variables["PORT"] = std::to_string(request.port);
  variables["HOST"] = "127.0.0.1";
  return variables;
}

void LocalRuntime::Start(const LaunchRequest& request) {
  using std::filesystem::perms;
  const std::optional<CloneRecord> reused = Reusable(request);
  if (is_left_ && !reused) Stop();
  if (!is_left_) directory_ = private_directory_.Make(TmpfsDirectory(environment_));
  is_left_ = false;
  std::filesystem::create_directories(log_.parent_path());
  std::filesystem::remove(LogTimes());
  WriteEmbeddedFiles(*directory_);
  // If we are root, PostgreSQL runs as another user, which must be able to pass through.
  if (geteuid() == 0) std::filesystem::permissions(*directory_, perms(0711));
  try {
    if (!request.warm.files.empty()) BeginCopy(request, reused);
    os::RecordedProcess::Write(*directory_ / kMainProcess, Spawn(request));
  } catch (...) {
    Stop();  // Whatever of it runs.
    throw;
  }
}

// What is known of the clone that was left, if it is one of the cluster that is copied now.
std::optional<CloneRecord> LocalRuntime::Reusable(const LaunchRequest& request) const {
  if (!is_left_ || request.warm.files.empty()) return std::nullopt;
  std::error_code none;
  if (!std::filesystem::equivalent(directory_->parent_path(), TmpfsDirectory(environment_), none)) return std::nullopt;
  std::optional<CloneRecord> record = ReadCloneRecord(*directory_ / kCluster);
  return record && record->cluster == request.warm.cluster ? record : std::nullopt;
}

void LocalRuntime::BeginCopy(const LaunchRequest& request, const std::optional<CloneRecord>& reused) {
  const passwd* user = geteuid() == 0 ? ServiceUser(environment_) : nullptr;
  if (geteuid() == 0 && user == nullptr) return;  // The entrypoint says so.
  const std::filesystem::path cluster = *directory_ / kCluster;
  copy_ = std::make_unique<ClusterCopy>(ClusterCopyRequest{.from = request.warm.cluster,
                                                           .files = request.warm.files,
                                                           .to = cluster,
                                                           .pipe = cluster.native() + ".copied",
                                                           .owner = user != nullptr ? user->pw_uid : geteuid(),
                                                           .group = user != nullptr ? user->pw_gid : getegid(),
                                                           .reused = reused},
                                        kBeganMarker);
  const std::filesystem::path socket = *directory_ / kSocket;
  if (mkdir(socket.c_str(), S_IRWXU) != 0 ||
      (user != nullptr && chown(socket.c_str(), user->pw_uid, user->pw_gid) != 0)) {
    ThrowDiskError("make", socket, errno);
  }
}

// Starts the entrypoint and returns its number. It is a child of ours until this program ends, in a session of its own.
pid_t LocalRuntime::Spawn(const LaunchRequest& request) const {
  pid_t process = 0;
  // bash is named, because a tmpfs may forbid programs of its own.
  const int problem = os::StartInBackground({.argv = {"bash", *directory_ / "entrypoint/entrypoint"},
                                             .environment = EntrypointVariables(request),
                                             .log = log_},
                                            &process);
  if (problem != 0) {
    throw Error(ErrorCode::kCannotStart, fmt::format("the entrypoint cannot be started: {}", std::strerror(problem)),
                "bash must be in PATH");
  }
  return process;
}

void LocalRuntime::KillAll() const {
  for (const std::filesystem::path& cluster : Clusters()) {
    if (pid_t server = Postmaster(cluster, environment_); server != 0) kill(server, SIGKILL);
  }
  for (pid_t process : Processes()) kill(process, SIGKILL);
}

void LocalRuntime::EndProcesses() {
  copy_.reset();
  auto deadline = std::chrono::steady_clock::now() + kStopTimeout;
  if (const auto process = MainProcess()) process->Signal(SIGTERM);
  while (MainProcess() && std::chrono::steady_clock::now() < deadline) std::this_thread::sleep_for(kPollProcess);
  // A killed entrypoint leaves its server and its application; their child processes end with them.
  deadline = std::chrono::steady_clock::now() + kStopTimeout;
  auto left = [this] {
    const std::vector<std::filesystem::path> clusters = Clusters();
    return !Processes().empty() ||
           std::any_of(clusters.begin(), clusters.end(),
                       [this](const std::filesystem::path& cluster) { return Postmaster(cluster, environment_) != 0; });
  };
  while (left()) {
    KillAll();
    if (std::chrono::steady_clock::now() > deadline) {
      throw Error(ErrorCode::kUsage, "processes of the application cannot be killed",
                  fmt::format("look for processes that use {}", directory_.value_or(persistent_dir_).native()));
    }
    std::this_thread::sleep_for(kPollProcess);
  }
}

// Leaves the clone and what is known of it. The next start of this object empties or removes the rest; after one that
// was killed in between, a later one finds the directory and removes it.
void LocalRuntime::StopForNext() {
  if (!directory_ || !std::filesystem::exists(CloneRecordPath(*directory_ / kCluster))) return Stop();
  EndProcesses();
  // A process of a server that was killed may still be writing, and is not found by its variables: but it holds the
  // lock on its cluster, which it has inherited (entrypoint/directory.sh).
  const FileDescriptor cluster(open((*directory_ / kCluster).c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!cluster || flock(cluster.get(), LOCK_EX | LOCK_NB) != 0) return Stop();
  std::vector<std::filesystem::path> others;
  for (const auto& entry : std::filesystem::directory_iterator(*directory_)) others.push_back(entry.path());
  std::erase(others, *directory_ / kCluster);
  std::erase(others, CloneRecordPath(*directory_ / kCluster));
  for (const std::filesystem::path& other : others) std::filesystem::remove_all(other);
  is_left_ = true;
}

void LocalRuntime::Stop() {
  EndProcesses();
  is_left_ = false;
  if (directory_) {
    // The kernel has made it closed to its owner, too.
    std::error_code none;
    std::filesystem::permissions(*directory_ / "pgdata.work/work", std::filesystem::perms::owner_all, none);
  }
  private_directory_.Remove();
  directory_.reset();
}

std::vector<std::string> LocalRuntime::LogCommand(const LogView& view) const {
  uint64_t begin = 0;
  if (view.since_us != 0) {
    std::error_code none;
    const uintmax_t bytes = std::filesystem::file_size(log_, none);
    std::ifstream file(LogTimes());
    const std::string times{std::istreambuf_iterator<char>(file), {}};
    begin = LogBytesBefore(times, view.since_us, none ? 0 : bytes);
  }
  std::vector<std::string> words = {"tail", fmt::format("--bytes=+{}", begin + 1)};
  if (const auto process = view.follow ? MainProcess() : std::nullopt) {
    words.insert(words.end(), {"--follow", "--sleep-interval=0.1", fmt::format("--pid={}", process->number())});
  }
  words.push_back(log_);
  return words;
}

std::filesystem::path LocalRuntime::LogTimes() const { return log_.native() + ".times"; }

std::vector<std::string> LocalRuntime::ShellCommand(bool /*terminal*/, const OwnDatabase& database) const {
  std::vector<std::string> words = EnvWords(environment_, ForShell(environment_, rules_, database).variables);
  words.insert(words.begin() + 1, "--chdir=" + app_directory_.native());  // Behind a variable it would be another one.
  words.emplace_back("bash");
  return words;
}

std::vector<std::string> LocalRuntime::RequestCommand(const std::string& verb) const {
  // Without a directory nothing runs, and the command says so.
  return {"bash", directory_.value_or("/") / "entrypoint/request", Database().socket_directory, verb};
}

OwnDatabase LocalRuntime::Database() const {
  OwnDatabase database{.port = port_, .name = database_};
  if (directory_) database.socket_directory = *directory_ / kSocket;
  return database;
}

std::string LocalRuntime::AppDirectory() const { return app_directory_; }

std::string LocalRuntime::PlaceOf(const SharedDirectory& shared) const { return shared.path; }

std::vector<std::string> LocalRuntime::PsqlVersionCommand(const std::string& /*image*/) const {
  return {os::FindPostgresPrograms(environment_) / "psql", "--version"};
}

std::vector<std::string> LocalRuntime::PsqlCommand(const std::vector<std::string>& arguments, bool /*terminal*/) const {
  os::Environment wanted = LibpqVariablesFor(Database());
  for (const auto& [name, value] : environment_) {
    if (!os::IsLibpqVariable(name)) wanted.emplace(name, value);
  }
  std::vector<std::string> words = EnvWords(environment_, wanted);
  words.push_back(os::FindPostgresPrograms(environment_) / "psql");
  words.insert(words.end(), arguments.begin(), arguments.end());
  return words;
}

}  // namespace rotv::launch
