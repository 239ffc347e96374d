#include "tests/support/servers/postgres_container.h"

#include <unistd.h>

#include <atomic>
#include <chrono>
#include <sstream>
#include <stdexcept>

#include "fmt/format.h"

namespace rotv::testing {
namespace {

// Debian's package creates the socket's directory when it starts the server; it is not used here.
constexpr const char* kStart = R"(
set -e
install -d -o postgres "$1" /data
as_postgres() { setpriv --reuid=postgres --regid=postgres --init-groups "$@"; }
bin=/usr/lib/postgresql/17/bin
as_postgres $bin/initdb -D /data/db -A trust --no-sync --encoding=UTF8 --locale=C.UTF-8
exec setpriv --reuid=postgres --regid=postgres --init-groups $bin/postgres -D /data/db -c wal_level=logical \
  -c max_slot_wal_keep_size=4GB -c fsync=off -c unix_socket_directories="$1"
)";

std::vector<std::string> OutputLines(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

std::string NewName() {
  static std::atomic<int> count{0};
  return fmt::format("rotv-test-{}-{}", getpid(), ++count);
}

}  // namespace

TestPodman PreparePodman(const std::string& kind) {
  std::vector<std::string> argv = {ROTV_SOURCE_DIR "/tests/support/servers/container_image.sh"};
  if (!kind.empty()) argv.push_back(kind);
  TestPodman podman;
  for (const std::string& line : OutputLines(MustRun({.argv = argv, .timeout = std::chrono::minutes(9)}).out)) {
    const size_t equals = line.find('=');
    if (line.substr(0, equals) == "IMAGE") {
      podman.image = line.substr(equals + 1);
    } else {
      podman.environment[line.substr(0, equals)] = line.substr(equals + 1);
    }
  }
  return podman;
}

PostgresContainer::PostgresContainer(const PostgresContainerOptions& options)
    : podman_(PreparePodman()), name_(NewName()) {
  // --timeout: the container of a killed test does not stay.
  std::vector<std::string> run = {"run",           "--detach", "--rm", "--init", "--network=none",
                                  "--timeout=900", "--name",   name_};
  for (const auto& [name, value] : options.environment) run.push_back("--env=" + name + "=" + value);
  run.insert(run.end(), {podman_.image, "bash", "-c", kStart, "start", options.socket_directory});
  MustRun(Podman(run));
  // Inside, since each command that Podman runs there takes a fifth of a second of a processor.
  Command wait = InContainer({"bash", "-c", "until pg_isready -q -h 127.0.0.1; do sleep 0.1; done"});
  wait.timeout = std::chrono::seconds(60);
  if (!RunCommand(wait).ok()) {
    const Result log = RunCommand(Podman({"logs", name_}));
    RunCommand(Podman({"rm", "--force", "--time=0", name_}));
    throw std::runtime_error("PostgreSQL does not start in its container:\n" + log.out + log.err);
  }
  Exec("CREATE ROLE rotv LOGIN REPLICATION BYPASSRLS", "postgres");
  MustRun(InContainer({"createdb", "-h", "127.0.0.1", "-U", "postgres", "-O", "rotv", "rotv"}));
}

PostgresContainer::~PostgresContainer() { RunCommand(Podman({"rm", "--force", "--time=0", name_})); }

Command PostgresContainer::Podman(const std::vector<std::string>& arguments) const {
  Command command;
  command.argv = {"podman"};
  command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
  command.env = podman_.environment;
  command.directory = "/";
  return command;
}

void PostgresContainer::Run(const std::vector<std::string>& argv) const {
  std::vector<std::string> arguments = {"exec", name_};
  arguments.insert(arguments.end(), argv.begin(), argv.end());
  MustRun(Podman(arguments));
}

// Without the container's own variables, which a test may have set to lead programs astray.
Command PostgresContainer::InContainer(const std::vector<std::string>& argv) const {
  std::vector<std::string> arguments = {"exec", "--interactive", name_, "env"};
  for (const char* name : {"PGHOST", "PGHOSTADDR", "PGSERVICE", "PGSSLMODE"}) {
    arguments.insert(arguments.end(), {"-u", name});
  }
  arguments.insert(arguments.end(), argv.begin(), argv.end());
  return Podman(arguments);
}

Command PostgresContainer::Psql(const std::string& user) const {
  return InContainer(
      {"psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-U", user, "-d", user, "-f", "-"});
}

void PostgresContainer::Exec(const std::string& sql, const std::string& user) const {
  Command command = Psql(user);
  command.stdin_text = sql;
  MustRun(command);
}

std::string PostgresContainer::Value(const std::string& sql) const {
  Command command = Psql("rotv");
  command.stdin_text = sql;
  std::string out = MustRun(command).out;
  if (!out.empty()) out.pop_back();
  return out;
}

std::string PostgresContainer::Dump() const {
  return MustRun(InContainer({"PGTZ=UTC", "PGOPTIONS=-c bytea_output=hex", "pg_dump", "--clean", "--if-exists",
                              "--no-owner", "--no-acl", "--no-publications", "--no-subscriptions", "-h", "127.0.0.1",
                              "-U", "postgres", "rotv"}))
      .out;
}

std::vector<std::string> PostgresContainer::OtherProcesses() const {
  std::vector<std::string> others;
  std::vector<std::string> lines = OutputLines(MustRun(Podman({"top", name_, "comm"})).out);
  lines.erase(lines.begin());  // The header line.
  for (const std::string& line : lines) {
    const std::string name = line.substr(0, line.find_last_not_of(' ') + 1);
    if (name != "postgres" && name != "podman-init") others.push_back(name);
  }
  return others;
}

}  // namespace rotv::testing
