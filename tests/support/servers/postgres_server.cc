#include "tests/support/servers/postgres_server.h"

#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <system_error>

#include "fmt/format.h"
#include "fmt/ranges.h"
#include "os/postgres_programs.h"
#include "tests/support/servers/copy_cluster.h"

namespace rotv::testing {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::seconds;

// The server refuses to run as root.
std::string ServerUser() {
  if (!IsRoot()) return "";
  for (const char* user : {"postgres", "nobody"}) {
    if (getpwnam(user) != nullptr) return user;
  }
  throw std::runtime_error("PostgreSQL refuses to run as root, and there is no user postgres to run it");
}

uid_t ServerUid(const std::string& server_user) {
  return server_user.empty() ? geteuid() : getpwnam(server_user.c_str())->pw_uid;
}

// The test user's own settings must not reach the programs that it runs.
const std::vector<std::string> kNoPgVariables = {"PG*", "LC_*", "LANGUAGE"};

Command AsServer(const std::string& server_user, std::vector<std::string> argv) {
  Command command;
  command.argv = std::move(argv);
  command.user = server_user;
  command.directory = "/";
  command.unset_env = kNoPgVariables;
  command.env["LANG"] = "C.UTF-8";
  return command;
}

fs::path Parent(DataPlace place) {
  constexpr uintmax_t kRoom = uintmax_t{1} << 30;
  return place == DataPlace::kOnTmpfs ? DirectoryInMemory(kRoom) : "/tmp";
}

std::map<std::string, std::string> DefaultSettings() {
  return {
      {"wal_level", "logical"},
      {"max_slot_wal_keep_size", "4GB"},
      {"max_connections", "60"},
      {"max_wal_senders", "10"},
      {"max_replication_slots", "10"},
      {"max_prepared_transactions", "10"},
      {"fsync", "off"},  // The machine does not lose power during a test.
      {"full_page_writes", "off"},
      {"max_wal_size", "2GB"},
      {"logging_collector", "off"},
      {"log_destination", "stderr"},
      // In its directory, which is removed: /dev/shm would keep the segments of a killed one.
      {"dynamic_shared_memory_type", "mmap"},
      {"log_line_prefix", "%m [%p] %a "},
      {"timezone", "UTC"},
      {"lc_messages", "C"},
  };
}

// Returns the newest server that packages have installed, whatever PATH has.
fs::path OwnBinDirectory() {
  for (const fs::path& directory : os::PackagedPostgresDirectories()) {
    if (fs::exists(directory / "initdb")) return directory;
  }
  const fs::path found = os::FindPostgresPrograms(os::ProcessEnvironment());
  if (!found.empty()) return found;
  throw std::runtime_error("PostgreSQL is not installed: ./dev test installs it");
}

// As pg_ctl finds out: asking the server itself starts a process in it each time.
bool IsReady(const fs::path& data_directory, pid_t pid) {
  std::ifstream file(data_directory / "postmaster.pid");
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  constexpr size_t kStatus = 7;
  // The one before may have left a file.
  if (lines.size() <= kStatus || lines[0] != std::to_string(pid)) return false;
  return lines[kStatus].starts_with("ready") || lines[kStatus].starts_with("standby");
}

// Takes as long as a download if the version is not there yet; waits for another process that is making it.
fs::path OtherBinDirectory(int version) {
  const std::string script = ROTV_SOURCE_DIR "/tests/support/servers/postgres_versions.sh";
  const std::string out = MustRun({.argv = {script, std::to_string(version)}, .timeout = std::chrono::minutes(9)}).out;
  return out.substr(0, out.find('\n'));
}

// A quoted value for libpq's conninfo.
std::string Quoted(const std::string& value) {
  std::string quoted = "'";
  for (const char c : value) {
    if (c == '\'' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "'";
}

}  // namespace

fs::path PostgresServer::BinDirectory(int version) {
  static std::mutex mutex;
  static std::map<int, fs::path> known;
  const char* own = std::getenv("ROTV_TEST_POSTGRES");
  if (version == kOwnVersion && own != nullptr) version = std::atoi(own);
  const std::lock_guard lock(mutex);
  fs::path& found = known[version];
  if (found.empty()) found = version == kOwnVersion ? OwnBinDirectory() : OtherBinDirectory(version);
  return found;
}

int PostgresServer::MajorVersion(int version) {
  static std::mutex mutex;
  static std::map<int, int> known;  // To start the program takes as long as a session.
  const fs::path bin = BinDirectory(version);
  const std::lock_guard lock(mutex);
  int& major = known[version];
  if (major == 0) {
    const std::string text = MustRun({.argv = {bin / "postgres", "--version"}}).out;
    const size_t digit = text.find_first_of("0123456789");
    major = std::atoi(text.c_str() + std::min(digit, text.size()));
  }
  return major;
}

std::map<std::string, std::string> PostgresServer::HostileSettings() {
  return {
      {"timezone", "America/New_York"}, {"datestyle", "SQL, DMY"},       {"intervalstyle", "sql_standard"},
      {"bytea_output", "escape"},       {"extra_float_digits", "0"},     {"search_path", "pg_catalog"},
      {"row_security", "on"},           {"statement_timeout", "300000"}, {"quote_all_identifiers", "off"},
  };
}

PostgresServer::PostgresServer(PostgresOptions options)
    : options_(std::move(options)),
      directory_(TempDirName::kPlain, Parent(options_.place)),
      server_user_(ServerUser()) {
  data_directory_ = directory_ / "data";
  socket_directory_ = directory_ / "socket";
  fs::create_directory(socket_directory_);
  if (!server_user_.empty() && chown(socket_directory_.c_str(), ServerUid(server_user_), static_cast<gid_t>(-1)) != 0) {
    throw std::runtime_error("chown: " + socket_directory_);
  }
  if (options_.standby_of != nullptr) {
    CopyFrom(*options_.standby_of);
  } else {
    MakeCluster();
  }
  Start();
}

PostgresServer::~PostgresServer() {
  if (process_ != nullptr && process_->Running()) {
    process_->Signal(SIGQUIT);  // An immediate shutdown: nothing has to survive.
    process_->WaitFor(seconds(20));
  }
}

// initdb takes a second and always gives the same result: it runs once, and its result is copied. The copy is in /tmp
// under a known name, so it is used only if it belongs to the server's user.
void PostgresServer::MakeCluster() {
  const std::string arguments = fmt::format("{}", fmt::join(options_.initdb_arguments, " "));
  const uid_t uid = ServerUid(server_user_);
  const fs::path cached = fmt::format("/tmp/rotv-test-cluster-{}-{}-{:x}", uid, MajorVersion(version()),
                                      std::hash<std::string>{}(arguments + " v1"));
  const auto usable = [&] {
    struct stat info {};
    return lstat(cached.c_str(), &info) == 0 && S_ISDIR(info.st_mode) && info.st_uid == uid &&
           (info.st_mode & 0777) == 0700;
  };
  if (!usable()) {
    const TempDir parent;
    if (!server_user_.empty() && chown(parent.path().c_str(), uid, static_cast<gid_t>(-1)) != 0) {
      throw std::runtime_error("chown: " + parent.path().string());
    }
    const fs::path fresh = parent / "data";
    std::vector<std::string> argv = {
        bin_directory() / "initdb", "-D", fresh, "-U", "postgres", "-A", "trust", "--no-sync"};
    argv.insert(argv.end(), options_.initdb_arguments.begin(), options_.initdb_arguments.end());
    MustRun(AsServer(server_user_, argv));
    Command single_user = AsServer(
        server_user_, {bin_directory() / "postgres", "--single", "-j", "-F", "-D", fresh.string(), "postgres"});
    // With -j, statements end with a semicolon and an empty line.
    single_user.stdin_text =
        "CREATE ROLE rotv LOGIN REPLICATION BYPASSRLS;\n\n"
        "CREATE DATABASE rotv OWNER rotv;\n\n";
    MustRun(single_user);
    // Atomic; if another process was first, its result is as good as ours.
    MustRun(AsServer(server_user_, {"sh", "-c", "mv -T \"$0\" \"$1\" 2>/dev/null || test -d \"$1\"", fresh, cached}));
    if (!usable()) throw std::runtime_error(fmt::format("{} is in the way: remove it", cached.string()));
  }
  CopyCluster(cached, data_directory_, uid);
}

void PostgresServer::CopyFrom(const PostgresServer& primary) {
  primary.Exec("SELECT pg_create_physical_replication_slot('standby', true)", kSuperuser);
  if (!server_user_.empty() && chown(directory_.path().c_str(), ServerUid(server_user_), static_cast<gid_t>(-1)) != 0) {
    throw std::runtime_error("chown: " + directory_.path().string());
  }
  MustRun(AsServer(server_user_,
                   {bin_directory() / "pg_basebackup", "-D", data_directory_, "-d",
                    primary.ConnectionString(kSuperuser), "-c", "fast", "--no-sync", "-X", "stream", "-S", "standby"}));
  options_.settings.insert(primary.options_.settings.begin(), primary.options_.settings.end());
  options_.settings["primary_conninfo"] = primary.ConnectionString(kSuperuser);
  options_.settings["primary_slot_name"] = "standby";
  options_.settings["hot_standby_feedback"] = "on";  // The synchronization of slots needs it.
  WriteStandbySignal();
}

void PostgresServer::WriteStandbySignal() {
  MustRun(AsServer(server_user_, {"touch", data_directory_ / "standby.signal"}));
}

void PostgresServer::Promote() {
  Exec("SELECT pg_promote()", kSuperuser);
  if (!WaitUntil([&] { return Value("SELECT pg_is_in_recovery()", kSuperuser) == "f"; })) {
    throw std::runtime_error("PostgreSQL is not promoted:\n" + log());
  }
}

void PostgresServer::StartAsStandbyOf(const PostgresServer& primary) {
  options_.settings["primary_conninfo"] = primary.ConnectionString(kSuperuser);
  WriteStandbySignal();
  Start();
}

void PostgresServer::WaitForReplay(const PostgresServer& primary) const {
  // A record of its own, which takes no transaction's number, and is flushed by the switch.
  const std::string lsn = primary.Value("SELECT pg_create_restore_point('replay')", kSuperuser);
  primary.Exec("SELECT pg_switch_wal()", kSuperuser);
  if (!WaitUntil(
          [&] { return Value(fmt::format("SELECT pg_last_wal_replay_lsn() >= '{}'", lsn), kSuperuser) == "t"; })) {
    throw std::runtime_error("the standby does not follow:\n" + log());
  }
}

void PostgresServer::WriteConfiguration() {
  std::map<std::string, std::string> settings = DefaultSettings();
  settings["listen_addresses"] = "127.0.0.1";
  settings["port"] = std::to_string(port_);
  settings["unix_socket_directories"] = socket_directory_;
  for (const auto& [name, value] : options_.settings) settings[name] = value;
  std::string text;
  for (const auto& [name, value] : settings) text += fmt::format("{} = {}\n", name, SqlLiteral(value));
  WriteFile(data_directory_ / "postgresql.conf", text);
  std::string hba;
  for (const std::string& line : options_.hba_lines) hba += line + "\n";
  hba +=
      "local all all trust\nhost all all 127.0.0.1/32 trust\n"
      "local replication all trust\nhost replication all 127.0.0.1/32 trust\n";
  WriteFile(data_directory_ / "pg_hba.conf", hba);
}

void PostgresServer::Start() {
  // A restart keeps its port; a first start tries another if another process took the port in between.
  for (int attempt = 0; attempt < 5; ++attempt) {
    if (process_ == nullptr || port_ == 0) port_ = FreePort();
    WriteConfiguration();
    Command command = AsServer(server_user_, {bin_directory() / "postgres", "-D", data_directory_});
    command.death_signal = SIGQUIT;
    // A test's sessions are many and short, and half of their time is the kernel's, mostly for pages one by one.
    command.env["GLIBC_TUNABLES"] = "glibc.malloc.hugetlb=1";
    for (const auto& [name, value] : options_.environment) command.env[name] = value;
    auto process = std::make_unique<Process>(command);
    const bool up =
        WaitUntil([&] { return IsReady(data_directory_, process->pid()) || !process->Running(); }, seconds(60));
    if (up && process->Running()) {
      if (process_ != nullptr) old_log_ += process_->Err();
      process_ = std::move(process);
      return;
    }
    const std::string log = process->Err();
    process.reset();
    if (log.find("Address already in use") == std::string::npos || process_ != nullptr) {
      throw std::runtime_error("PostgreSQL does not start:\n" + log);
    }
  }
  throw std::runtime_error("PostgreSQL finds no free port");
}

void PostgresServer::Stop() {
  if (!Running()) return;
  process_->Signal(SIGINT);
  if (!process_->WaitFor(seconds(60))) throw std::runtime_error("PostgreSQL does not stop:\n" + process_->Err());
}

void PostgresServer::Crash() {
  if (!Running()) return;
  process_->Signal(SIGQUIT);
  if (!process_->WaitFor(seconds(60))) throw std::runtime_error("PostgreSQL does not end:\n" + process_->Err());
}

void PostgresServer::Restart() {
  Stop();
  Start();
}

bool PostgresServer::Running() { return process_ != nullptr && process_->Running(); }

void PostgresServer::Set(const std::string& name, const std::string& value) {
  options_.settings[name] = value;
  WriteConfiguration();
  const std::string context =
      Value(fmt::format("SELECT context FROM pg_settings WHERE lower(name) = lower({})", SqlLiteral(name)), kSuperuser);
  if (context == "postmaster") {
    Restart();
    return;
  }
  Connection connection = NewConnection(kSuperuser);
  const std::string loaded = connection.Value("SELECT pg_conf_load_time()");
  connection.Exec("SELECT pg_reload_conf()");
  // A session has the new value once its process has read the signal; ours reads it as late as any.
  if (!WaitUntil([&] { return connection.Value("SELECT pg_conf_load_time()") != loaded; })) {
    throw std::runtime_error(fmt::format("{} = {} is not loaded:\n{}", name, value, log()));
  }
}

std::string PostgresServer::log() const { return old_log_ + (process_ == nullptr ? "" : process_->Err()); }

std::string PostgresServer::ConnectionString(const Login& login) const {
  return fmt::format("host={} port={} dbname={} user={}", Quoted(socket_directory_), port_, Quoted(login.database),
                     Quoted(login.user));
}

void PostgresServer::Exec(const std::string& sql, const Login& login) const { NewConnection(login).Exec(sql); }

Rows PostgresServer::Query(const std::string& sql, const Login& login) const { return NewConnection(login).Query(sql); }

std::string PostgresServer::Value(const std::string& sql, const Login& login) const {
  return NewConnection(login).Value(sql);
}

void PostgresServer::CreateDatabase(const std::string& name, const std::string& owner, const std::string& options) {
  Exec(fmt::format("CREATE DATABASE {} OWNER {} {}", SqlName(name), SqlName(owner), options), {"postgres", "postgres"});
}

void PostgresServer::DropDatabase(const std::string& name) {
  Exec(fmt::format("DROP DATABASE IF EXISTS {} WITH (FORCE)", SqlName(name)), {"postgres", "postgres"});
}

Result PostgresServer::Psql(const fs::path& file, const Login& login, const std::vector<std::string>& arguments,
                            const std::vector<std::string>& after) const {
  Command command;
  command.argv = {bin_directory() / "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1"};
  command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
  for (const std::string& argument : {std::string("-d"), ConnectionString(login), std::string("-f"), file.string()}) {
    command.argv.push_back(argument);
  }
  command.argv.insert(command.argv.end(), after.begin(), after.end());
  command.unset_env = kNoPgVariables;
  command.env["LANG"] = "C.UTF-8";
  command.timeout = seconds(600);
  return RunCommand(command);
}

Command PostgresServer::DumpCommand(const std::string& database, const std::vector<std::string>& arguments) const {
  Command command;
  command.argv = {bin_directory() / "pg_dump", "--clean",           "--if-exists", "--no-owner", "--no-acl",
                  "--no-publications",         "--no-subscriptions"};
  command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
  command.argv.push_back("-d");
  command.argv.push_back(ConnectionString({database, "postgres"}));
  command.unset_env = kNoPgVariables;
  command.env["LANG"] = "C.UTF-8";
  command.env["PGTZ"] = "UTC";
  command.env["PGOPTIONS"] = "-c bytea_output=hex";
  command.timeout = seconds(600);
  return command;
}

std::string PostgresServer::Dump(const std::string& database, const std::vector<std::string>& arguments) const {
  return MustRun(DumpCommand(database, arguments)).out;
}

bool PostgresServer::WaitForBlocked(const std::string& text, int count) const {
  Connection connection = NewConnection(kSuperuser);
  const std::string sql = fmt::format(
      "SELECT count(*) >= {} FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND wait_event_type = 'Lock' "
      "AND strpos(query, {}) > 0",
      count, SqlLiteral(text));
  return WaitUntil([&] { return connection.Value(sql) == "t"; });
}

}  // namespace rotv::testing
