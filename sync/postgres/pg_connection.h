// A connection to the source, by libpq. One that exists is connected; the destructor closes it. Used by one thread at a
// time, except Cancel(). Every wait can be interrupted and ends when the connection stalls (Link::StallTimeout()), and
// every session has the settings that make text the same everywhere (bytea_output, DateStyle, TimeZone …) and let
// nothing of ours wait or time out by accident. What the server says unasked (notices) is shown to nobody: it is text
// of whoever may write a trigger there.

#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/interrupt.h"
#include "sync/link/link.h"
#include "sync/postgres/pg_failure.h"
#include "sync/postgres/stall_watch.h"

struct pg_conn;
struct pg_result;
struct pg_cancel;

namespace rotv::postgres {

// The rows of one statement, as text.
class PgResult {
 public:
  explicit PgResult(pg_result* result);
  int rows() const;
  bool IsNull(int row, int column) const;
  std::string_view Text(int row, int column) const;  // Empty for NULL; lives as long as the result.
  std::string Get(int row, int column) const { return std::string(Text(row, column)); }
  // Throws kProtocol if the text is not such a number.
  int64_t Int(int row, int column) const;
  uint32_t Oid(int row, int column) const { return static_cast<uint32_t>(Int(row, column)); }
  bool Bool(int row, int column) const { return Text(row, column) == "t"; }

 private:
  struct Clear {
    void operator()(pg_result* result) const;
  };
  std::unique_ptr<pg_result, Clear> result_;
};

struct PgOutcome {
  std::vector<PgResult> results;     // Of the statements that worked.
  std::optional<PgFailure> failure;  // Of the first one that did not.
};

class PgConnection {
 public:
  enum class Kind { kOrdinary, kReplication };
  struct Options {
    Kind kind = Kind::kOrdinary;
    std::string password;  // Empty: PGPASSWORD or pgpass by libpq's own rules.
    std::string database;  // Empty: that of the link.
    std::string application_name = "rotv-sync";
    int lock_timeout_ms = 2000;
  };

  // Throws kRefused (login, database, privilege), kUnreachable (nobody answers, too many clients, starting up),
  // kInterrupted. The link and the interrupt outlive the connection.
  static std::unique_ptr<PgConnection> Connect(link::Link& link, const Options& options, const Interrupt& interrupt);
  ~PgConnection();
  PgConnection(const PgConnection&) = delete;
  PgConnection& operator=(const PgConnection&) = delete;

  // One statement, or several separated by semicolons (one round trip for all). Query() throws on failure: kRefused for
  // a missing privilege, kUnreachable for a lost connection or a lock that was not to be had, else kProtocol.
  PgResult Query(const std::string& sql);                  // The last statement's rows.
  std::vector<PgResult> QueryAll(const std::string& sql);  // Each statement's.
  PgOutcome TryQuery(const std::string& sql);              // Throws only for a lost connection.
  [[noreturn]] void Throw(const PgFailure& failure) const;

  // Starts a statement whose end nobody waits for: the connection is of no other use from then on.
  void Send(const std::string& sql);

  // Statements, the last of which is COPY … TO STDOUT; gives the results of those before it.
  PgOutcome StartCopyOut(const std::string& sql);
  // The next row with its newline; lives until the next call. Nothing at the end: then FinishCopy() must be called.
  std::optional<std::string_view> CopyRow();
  // Takes the end of the COPY and of what follows it in the same string of statements.
  std::optional<PgFailure> FinishCopy();

  // START_REPLICATION. Gives what the server says against it; throws only for a lost connection.
  std::optional<PgFailure> StartStream(const std::string& command);
  // The next frame; lives until the next call. Waits up to `timeout_ms` where none is there yet. Throws kUnreachable if
  // the stream ended or the connection was lost.
  std::optional<std::string_view> StreamFrame(int timeout_ms);
  void SendStream(std::string_view frame);
  // Ends the stream from our side and takes the server's last words; frames still under way are dropped.
  void EndStream();

  // For a command that says nothing while it works on the server (pg_dump): takes the server for busy as long as it
  // lets connections like this one in. The connection outlives the watch.
  StallWatch WatchServer() const;

  // Asks the server to stop the statement under way. From any thread; never throws. On a link that stalls it gives up
  // after a few seconds.
  void Cancel();

  int server_version() const;                     // 150020
  std::string Parameter(const char* name) const;  // server_encoding, standard_conforming_strings …
  std::string password() const;                   // That which was used; empty if none.
  std::string database() const;
  std::string user() const;
  int backend_pid() const;

  std::string QuoteLiteral(std::string_view text) const;
  std::string QuoteIdentifier(std::string_view text) const;

 private:
  using Clock = std::chrono::steady_clock;

  PgConnection(link::Link& link, const Interrupt& interrupt);
  void Open(const Options& options);
  std::map<std::string, std::string> Parameters() const;
  void Establish(const std::map<std::string, std::string>& parameters);
  ServerState Look(Clock::time_point deadline) const;
  PgResult AskOnce(const std::string& sql, Clock::time_point deadline) const;
  void WaitFor(short events, int timeout_ms) const;
  pg_result* NextResult();
  std::optional<std::string_view> TakeCopyData();
  [[noreturn]] void ThrowLost() const;

  struct Finish {
    void operator()(pg_conn* connection) const;
  };
  struct FreeCancel {
    void operator()(pg_cancel* cancel) const;
  };
  struct FreeMemory {
    void operator()(char* memory) const;
  };
  link::Link& link_;
  const Interrupt& interrupt_;
  Options options_;
  std::optional<Clock::time_point> deadline_;  // Of a connection that only looks after another.
  bool server_refused_ = false;                // Why there is no connection: the server's own words.
  mutable StallWatch stream_watch_;            // Of StreamFrame(), whose silence lasts longer than one call.
  std::unique_ptr<pg_conn, Finish> connection_;
  std::shared_ptr<pg_cancel> cancel_;
  std::unique_ptr<char, FreeMemory> copy_buffer_;
  bool copy_ended_ = false;
};

// PGOPTIONS for a program of PostgreSQL's own, beside what it pins itself: also lets the server notice soon that we are
// gone.
std::string PinnedOptions(int lock_timeout_ms, std::chrono::milliseconds stall_timeout);

}  // namespace rotv::postgres
