// A real PostgreSQL server for one test: the newest one of this machine, or one of another version, in a directory of
// its own, on a socket and a free TCP port of 127.0.0.1, without passwords. Its cluster contains the database `rotv`,
// owned by the role `rotv`, which has the rights that a source's role needs and no more (LOGIN, REPLICATION,
// BYPASSRLS). All functions throw std::runtime_error with the server's message, and with its log if it does not run.

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

// NULL is std::nullopt.
using Row = std::vector<std::optional<std::string>>;
using Rows = std::vector<Row>;

// The database and the role of a session.
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

  // Starts statements and returns at once: for statements that wait for another session. Finish() waits for their end.
  void Send(const std::string& sql);
  // True if Finish() would return at once.
  bool Ready();
  Rows Finish();
  void Cancel();

  // The server process's id.
  int backend_pid() const { return PQbackendPID(connection_.get()); }
  PGconn* raw() { return connection_.get(); }

 private:
  std::unique_ptr<PGconn, decltype(&PQfinish)> connection_;
};

class PostgresServer;

enum class DataPlace { kOnDisk, kOnTmpfs };  // kOnTmpfs: used if there is one with a gigabyte free.

// The machine's own version, or the one that ROTV_TEST_POSTGRES names if it is set.
inline constexpr int kOwnVersion = 0;

struct PostgresOptions {
  int version = kOwnVersion;  // 17 and others come from postgres_versions.sh, at the first use unless ./dev test has
                              // installed them.
  std::map<std::string, std::string> settings = {};  // Settings of postgresql.conf that override the defaults.
  std::vector<std::string> hba_lines = {};  // Come before the lines that admit everyone: the first match counts.
  DataPlace place = DataPlace::kOnTmpfs;
  std::map<std::string, std::string> environment = {};  // Variables of the server's processes.
  std::vector<std::string> initdb_arguments = {"--encoding=UTF8", "--locale=C.UTF-8"};
  // Makes a standby of this server, of the same version, that streams from it through the slot `standby`.
  const PostgresServer* standby_of = nullptr;
};

class PostgresServer {
 public:
  // The directory of initdb, postgres, pg_dump and psql: for the own version the newest /usr/lib/postgresql/*/bin, else
  // PATH's.
  static std::filesystem::path BinDirectory(int version = kOwnVersion);
  static int MajorVersion(int version = kOwnVersion);

  // Settings that print every value that depends on a session's settings in an unusual way.
  static std::map<std::string, std::string> HostileSettings();

  // The server accepts connections on return.
  explicit PostgresServer(PostgresOptions options = {});
  ~PostgresServer();
  PostgresServer(const PostgresServer&) = delete;
  PostgresServer& operator=(const PostgresServer&) = delete;

  void Start();
  void Stop();     // A fast shutdown.
  void Crash();    // The same as killing every process; the next Start() recovers.
  void Restart();  // Stop(), then Start().
  bool Running();
  // Makes a standby the primary of a new timeline. The first checkpoint after that may not have ended on return.
  void Promote();
  // Starts a stopped server as a standby of `primary`: the former primary, after a failover to that one.
  void StartAsStandbyOf(const PostgresServer& primary);
  // Waits until the standby has replayed what `primary` has written.
  void WaitForReplay(const PostgresServer& primary) const;
  // Changes a setting for all databases; reloads, and restarts if the setting needs it.
  void Set(const std::string& name, const std::string& value);

  int version() const { return options_.version; }  // The version given in the options.
  std::filesystem::path bin_directory() const { return BinDirectory(options_.version); }
  std::string socket_directory() const { return socket_directory_; }
  int port() const { return port_; }
  std::filesystem::path data_directory() const { return data_directory_; }
  std::string log() const;  // The log of all starts.

  std::string ConnectionString(const Login& login = {}) const;
  Connection NewConnection(const Login& login = {}) const { return Connection(ConnectionString(login)); }
  void Exec(const std::string& sql, const Login& login = {}) const;
  Rows Query(const std::string& sql, const Login& login = {}) const;
  std::string Value(const std::string& sql, const Login& login = {}) const;

  // A new empty database. `options` follow CREATE DATABASE name: "TEMPLATE template0 ENCODING 'LATIN1'".
  void CreateDatabase(const std::string& name, const std::string& owner = "rotv", const std::string& options = "");
  void DropDatabase(const std::string& name);

  // Runs a file with psql -X, ON_ERROR_STOP=1; `arguments` stand before the file, `after` after it.
  Result Psql(const std::filesystem::path& file, const Login& login = {},
              const std::vector<std::string>& arguments = {}, const std::vector<std::string>& after = {}) const;

  // The output of the real pg_dump, with the settings pinned that it does not pin itself. `arguments` are added.
  std::string Dump(const std::string& database = "rotv", const std::vector<std::string>& arguments = {}) const;
  // The same as a command, to be timed or run in parallel with other work.
  Command DumpCommand(const std::string& database = "rotv", const std::vector<std::string>& arguments = {}) const;

  // Waits until `count` sessions whose query contains `text` wait for a lock; false after ten seconds.
  bool WaitForBlocked(const std::string& text, int count = 1) const;

 private:
  void MakeCluster();
  void CopyFrom(const PostgresServer& primary);
  void WriteStandbySignal();
  void WriteConfiguration();

  PostgresOptions options_;
  TempDir directory_;
  std::string server_user_;  // Empty: the test's own user.
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
