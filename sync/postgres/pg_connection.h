// PgConnection is a connection to the source by libpq. An object that exists is connected; the destructor closes it.
// One thread at a time may use it, except for Cancel(). Every wait can be interrupted, and ends when the connection
// stalls (Link::StallTimeout()). Every session has settings that make text the same everywhere (bytea_output,
// DateStyle, TimeZone …) and that keep our statements from waiting or timing out by accident. Notices of the server are
// never shown: anyone who may write a trigger there decides their text.

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
  std::vector<PgResult> results;     // Results of the statements that succeeded.
  std::optional<PgFailure> failure;  // The error of the first statement that failed.
};

class PgConnection {
 public:
  // kUnpinned: with the settings that the server has for any session of this login. Its statements must not depend on
  // any of them.
  enum class Kind { kOrdinary, kReplication, kUnpinned };
  struct Options {
    Kind kind = Kind::kOrdinary;
    std::string password;  // Empty: PGPASSWORD or pgpass, by libpq's own rules.
    std::string database;  // Empty: the link's.
    std::string application_name = "rotv-sync";
    int lock_timeout_ms = 2000;
    int decoding_memory_mb = 0;  // kReplication only: logical_decoding_work_mem; 0: as the server has it.
    std::string lc_monetary;     // Empty: as the server has it for this login, and as it stays from then on.
  };

  // Throws kRefused (login, database, privilege), kUnreachable (no answer, too many clients, starting up), and
  // kInterrupted. The link and the interrupt outlive the connection.
  static std::unique_ptr<PgConnection> Connect(link::Link& link, const Options& options, const Interrupt& interrupt);
  ~PgConnection();
  PgConnection(const PgConnection&) = delete;
  PgConnection& operator=(const PgConnection&) = delete;

  // Run one statement, or several separated by semicolons in one round trip. Query() and QueryAll() throw on failure:
  // kRefused for a missing privilege, kUnreachable for a lost connection or a lock that was not available, else
  // kProtocol.
  PgResult Query(const std::string& sql);                  // The last statement's rows.
  std::vector<PgResult> QueryAll(const std::string& sql);  // Each statement's.
  PgOutcome TryQuery(const std::string& sql);              // Throws only for a lost connection.
  [[noreturn]] void Throw(const PgFailure& failure) const;

  // Starts a statement without waiting for its end. From then on the connection can be used for nothing else.
  void Send(const std::string& sql);

  // Runs statements of which the last is COPY … TO STDOUT; returns the results of those before it.
  PgOutcome StartCopyOut(const std::string& sql);
  // The next row with its newline, valid until the next call. nullopt at the end: then FinishCopy() must be called.
  std::optional<std::string_view> CopyRow();
  // Takes the results of the COPY and of the statements after it in the same string; returns the first error.
  std::optional<PgFailure> FinishCopy();

  // Runs START_REPLICATION. Returns the server's error, if any; throws only for a lost connection.
  std::optional<PgFailure> StartStream(const std::string& command);
  // The next frame, valid until the next call. Waits up to `timeout_ms` if there is none yet. Throws kUnreachable if
  // the stream ended or the connection was lost.
  std::optional<std::string_view> StreamFrame(int timeout_ms);
  void SendStream(std::string_view frame);
  // Has the kernel receive little before it is read, so that a sender of many small messages gathers them meanwhile:
  // each that is sent by itself costs it more than its content. Returns false, and does nothing, where that would not
  // help or would slow the stream down: a socket that is not TCP, or a server that is not near.
  bool NarrowReceiveWindow();
  // Ends the stream from our side and takes the server's final result; frames still under way are dropped.
  void EndStream();

  // Makes a watch for a command that is silent while it works on the server (pg_dump): the server counts as busy as
  // long as it accepts connections like this one and still has the session of this one. Where it has not, the source
  // has ended all of our sessions, and the command's may be one that no longer hears of it. The connection outlives the
  // watch.
  StallWatch WatchServer() const;

  // Asks the server to cancel the statement under way. May be called by any thread; never throws. On a stalled link it
  // gives up after a few seconds.
  void Cancel();

  int server_version() const;                     // 150020
  std::string Parameter(const char* name) const;  // server_encoding, standard_conforming_strings …
  std::string password() const;                   // The password that was used; empty: none.
  std::string database() const;
  std::string user() const;
  int backend_pid() const;  // The server's process, as it names it itself.
  // A program in between has its own connection to the server, and told us another number for it: a connection pooler,
  // or the proxy of a managed service.
  bool through_pooler() const;
  // The setting that the text of money depends on, and that pg_dump does not pin.
  const std::string& lc_monetary() const { return lc_monetary_; }
  void SetLcMonetary(const std::string& locale);  // For the rest of the session.

  std::string QuoteLiteral(std::string_view text) const;
  std::string QuoteIdentifier(std::string_view text) const;

 private:
  using Clock = std::chrono::steady_clock;

  PgConnection(link::Link& link, const Interrupt& interrupt);
  void Open(const Options& options);
  void SetLcMonetary(const std::string& locale, std::string statements);
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
  std::optional<Clock::time_point> deadline_;  // Set for a connection that only checks on another one.
  bool server_refused_ = false;                // The server itself refused the connection.
  mutable StallWatch stream_watch_;            // Used by StreamFrame(): silence lasts longer than one call.
  std::unique_ptr<pg_conn, Finish> connection_;
  std::shared_ptr<pg_cancel> cancel_;
  std::unique_ptr<char, FreeMemory> copy_buffer_;
  bool copy_ended_ = false;
  std::string lc_monetary_;
  int server_pid_ = 0;
};

// PGOPTIONS for one of PostgreSQL's own programs, in addition to the settings that it makes itself. They also let the
// server notice soon that its client is gone. None of them changes what a login event trigger finds.
std::string PinnedOptions(std::chrono::milliseconds stall_timeout);

}  // namespace rotv::postgres
