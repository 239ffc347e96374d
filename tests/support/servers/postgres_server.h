// A real PostgreSQL server for one test: the newest one of this machine, or one of another version, in a directory of
// its own, on a socket and a free TCP port of 127.0.0.1, without passwords. Its cluster holds the database `rotv`,
// owned by the role `rotv`, which has what a source's role needs and no more (LOGIN, REPLICATION, BYPASSRLS). All
// functions throw std::runtime_error with the server's words, and its log where it does not run.

#pragma once

#include <libpq-fe.h>

#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/files/subprocess.h"
#include "tests/support/files/temp_dir.h"

namespace rotv::testing {

// NULL is nothing.
using Row = std::vector<std::optional<std::string>>;
using Rows = std::vector<Row>;

// To which database, as whom.
struct Login {
  std::string database = "rotv";
  std::string user = "rotv";
};
inline const Login kSuperuser{"rotv", "postgres"};

// A session. One thread at a time may use it; Cancel() may be called from another.
class Connection {
 public:
  explicit Connection(const std::string& conninfo);

  // Runs one or more statements.
  void Exec(const std::string& sql);
  // The rows of the last statement, as text.
  Rows Query(const std::string& sql);
  // The single value of a single row.
  std::string Value(const std::string& sql);
  // COPY ... FROM STDIN with `data` as its text.
  void CopyIn(const std::string& copy_sql, std::string_view data);

  // Starts statements and returns at once: for those that wait for somebody else. Finish() waits for their end.
  void Send(const std::string& sql);
  // Whether Finish() would return at once.
  bool Ready();
  Rows Finish();
  void Cancel();

  // The server process's id.
  int backend_pid() const { return PQbackendPID(connection_.get()); }
  PGconn* raw() { return connection_.get(); }

 private:
  std::unique_ptr<PGconn, decltype(&PQfinish)> connection_;
};

enum class DataPlace { kDisk, kTmpfs };  // kTmpfs: where there is one with a gigabyte free.

// The machine's own version: the one that ROTV_TEST_POSTGRES names, where it is set.
inline constexpr int kOwnVersion = 0;

struct PostgresOptions {
  int version = kOwnVersion;  // 17: what postgres_versions.sh has; made at the first use where ./dev test did not.
  std::map<std::string, std::string> settings = {};  // postgresql.conf, over the defaults.
  std::vector<std::string> hba_lines = {};  // Before the ones that let everybody in: the first that matches counts.
  DataPlace place = DataPlace::kDisk;
  std::vector<std::string> initdb_arguments = {"--encoding=UTF8", "--locale=C.UTF-8"};
};

class PostgresServer {
 public:
  // Where initdb, postgres, pg_dump and psql are: of the own version the newest /usr/lib/postgresql/*/bin, else PATH's.
  static std::filesystem::path BinDirectory(int version = kOwnVersion);
  static int MajorVersion(int version = kOwnVersion);

  // Settings under which every value that depends on a session's settings is printed in an unusual way.
  static std::map<std::string, std::string> HostileSettings();

  // Started and accepting connections on return.
  explicit PostgresServer(PostgresOptions options = {});
  ~PostgresServer();
  PostgresServer(const PostgresServer&) = delete;
  PostgresServer& operator=(const PostgresServer&) = delete;

  void Start();
  void Stop();     // A fast shutdown.
  void Crash();    // As if every process of it were killed; the next Start() recovers.
  void Restart();  // Stop(), Start().
  bool Running();
  // Changes a setting, for all databases; reloads, and restarts where only that makes it count.
  void Set(const std::string& name, const std::string& value);

  int version() const { return options_.version; }  // As in the options.
  std::filesystem::path bin_directory() const { return BinDirectory(options_.version); }
  std::string socket_directory() const { return socket_directory_; }
  int port() const { return port_; }
  std::filesystem::path data_directory() const { return data_directory_; }
  std::string log() const;  // Of all starts.

  std::string ConnectionString(const Login& login = {}) const;
  Connection NewConnection(const Login& login = {}) const { return Connection(ConnectionString(login)); }
  void Exec(const std::string& sql, const Login& login = {}) const;
  Rows Query(const std::string& sql, const Login& login = {}) const;
  std::string Value(const std::string& sql, const Login& login = {}) const;

  // A new empty database. `options` follow CREATE DATABASE name, as "TEMPLATE template0 ENCODING 'LATIN1'".
  void CreateDatabase(const std::string& name, const std::string& owner = "rotv", const std::string& options = "");
  void DropDatabase(const std::string& name);

  // Runs a file with psql -X, ON_ERROR_STOP=1.
  Result Psql(const std::filesystem::path& file, const Login& login = {},
              const std::vector<std::string>& arguments = {}) const;

  // What the real pg_dump writes, with the settings pinned that it does not pin itself. `arguments` are added.
  std::string Dump(const std::string& database = "rotv", const std::vector<std::string>& arguments = {}) const;
  // The same as a command, to be timed or run beside something.
  Command DumpCommand(const std::string& database = "rotv", const std::vector<std::string>& arguments = {}) const;

  // Waits until `count` sessions whose query contains `text` wait for a lock; false after ten seconds.
  bool WaitForBlocked(const std::string& text, int count = 1) const;

 private:
  void MakeCluster();
  void WriteConfiguration();

  PostgresOptions options_;
  TempDir directory_;
  std::string server_user_;  // Empty: as we are.
  std::string socket_directory_;
  std::filesystem::path data_directory_;
  int port_ = 0;
  std::string old_log_;
  std::unique_ptr<Process> process_;
};

// 'it''s': a literal of SQL (standard_conforming_strings on).
std::string SqlLiteral(std::string_view text);
// "a ""name""".
std::string SqlName(std::string_view name);

}  // namespace rotv::testing
