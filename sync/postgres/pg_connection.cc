#include "sync/postgres/pg_connection.h"

#include <fmt/format.h>
#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <future>
#include <string_view>
#include <thread>

#include "os/process_environment.h"
#include "storage/error.h"
#include "sync/context/link_error.h"
#include "sync/link/password_file.h"
#include "sync/postgres/connect_error.h"
#include "sync/postgres/receive_window.h"
#include "sync/postgres/sqlstate.h"

namespace rotv::postgres {
namespace {

using std::chrono::milliseconds;
constexpr milliseconds kConnectTimeout{30'000};
// A server that is not on Linux refuses this setting.
constexpr milliseconds kLookAgain{200};
constexpr milliseconds kCancelTimeout{5'000};
constexpr const char* kClientCheckSetting = "client_connection_check_interval";
constexpr const char* kGoesOn = "run the same command again: it goes on where it stopped";

std::string OneLine(const char* text) {
  std::string line = text == nullptr ? "" : text;
  for (const char* prefix : {"ERROR:  ", "FATAL:  "}) {
    if (line.starts_with(prefix)) line.erase(0, 8);
  }
  // libpq's guess about the server is mostly wrong where a link breaks.
  constexpr std::string_view kGuess = "\n\tThis probably means the server terminated abnormally";
  if (const size_t guess = line.find(kGuess); guess != std::string::npos) line.resize(guess);
  while (!line.empty() && line.back() == '\n') line.pop_back();
  std::replace(line.begin(), line.end(), '\n', ' ');
  return line;
}

PgFailure FailureOf(const PGresult* result) {
  const char* state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  const char* primary = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
  const char* detail = PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL);
  PgFailure failure{state == nullptr ? "" : state,
                    primary == nullptr ? OneLine(PQresultErrorMessage(result)) : OneLine(primary)};
  // A detail may quote a row's values; those of the classes 5x (the server's own limits and state) do not.
  if (detail != nullptr && failure.sqlstate.starts_with(sqlstate::kServerLimits)) {
    failure.message += fmt::format(" ({})", OneLine(detail));
  }
  return failure;
}

bool IsFailure(ExecStatusType status) {
  return status == PGRES_FATAL_ERROR || status == PGRES_BAD_RESPONSE || status == PGRES_NONFATAL_ERROR;
}

// True for versions with restrict_nonsystem_relation_kind (since the minor versions of August 2024). A table that we
// read may have become a view since we looked, and functions that a view calls would run with our rights. pg_dump sets
// it too.
bool KnowsRestrictedRelations(int version) {
  for (int since : {140013, 150008, 160004}) {
    if (version / 10000 == since / 10000) return version >= since;
  }
  return version >= 170000;
}

// Asks again until there is an answer, or the deadline has passed.
ServerState LookUntil(std::chrono::steady_clock::time_point deadline, const Interrupt& interrupt,
                      const std::function<ServerState()>& ask) {
  while (true) {
    try {
      return ask();
    } catch (const Error& error) {
      if (error.code() == ErrorCode::kInterrupted) throw;
    }
    if (std::chrono::steady_clock::now() + kLookAgain > deadline) return ServerState::kUnreachable;
    interrupt.Check();
    std::this_thread::sleep_for(kLookAgain);
  }
}

// The settings of a session. They are made once it is open, although startup options would save some bytes: a login
// event trigger of the source (since 17) runs before, and must find what it finds with psql. It may have set something
// itself, too.
std::string SettingStatements(int lock_timeout_ms) {
  return fmt::format(
      "SET lock_timeout = {}; SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0; "
      "SET idle_session_timeout = 0; SET row_security = off; SET jit = off; SET DateStyle = ISO; "
      "SET IntervalStyle = postgres; SET TimeZone = 'UTC'; SET bytea_output = hex; SET extra_float_digits = 3; "
      "SET search_path = ''; SET quote_all_identifiers = off; SET synchronous_commit = local; "
      "SET default_transaction_read_only = off; SET default_transaction_isolation = 'read committed'; "
      // Rows come as they lie in the file, from its beginning: mostly in the order of their keys.
      "SET synchronize_seqscans = off; ",
      lock_timeout_ms);
}

// The password, if libpq cannot find it by itself; empty if it can, or if there is none.
std::string PasswordFor(const link::Link& link, const std::map<std::string, std::string>& parameters) {
  if (parameters.contains("password")) return "";
  if (std::string given = os::EnvironmentPassword(); !given.empty()) return given;
  std::vector<std::string> hosts = link.PasswordHosts();
  if (hosts.empty()) return "";
  auto value = [&](const char* name) {
    auto found = parameters.find(name);
    return found == parameters.end() ? std::string() : found->second;
  };
  return link::LookUpPassword({hosts, link.PasswordPort(), value("dbname"), value("user")}).value_or("");
}

}  // namespace

std::string PinnedOptions(milliseconds stall_timeout) {
  const auto third_s = std::max<int64_t>(1, stall_timeout.count() / 3000);
  return fmt::format(
      "-c statement_timeout=0 -c idle_in_transaction_session_timeout=0 -c idle_session_timeout=0 -c jit=off "
      "-c bytea_output=hex -c quote_all_identifiers=off -c synchronous_commit=local "
      "-c default_transaction_read_only=off -c tcp_keepalives_idle={} -c tcp_keepalives_interval={} "
      "-c tcp_keepalives_count=2 -c tcp_user_timeout={}",
      third_s, third_s, stall_timeout.count());
}

PgResult::PgResult(pg_result* result) : result_(result) {}
void PgResult::Clear::operator()(pg_result* result) const { PQclear(result); }
int PgResult::rows() const { return PQntuples(result_.get()); }
bool PgResult::IsNull(int row, int column) const { return PQgetisnull(result_.get(), row, column) != 0; }
std::string_view PgResult::Text(int row, int column) const {
  return {PQgetvalue(result_.get(), row, column), static_cast<size_t>(PQgetlength(result_.get(), row, column))};
}
int64_t PgResult::Int(int row, int column) const {
  std::string_view text = Text(row, column);
  int64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) {
    throw Error(ErrorCode::kProtocol, "the source returned an unexpected value for a catalogue query");
  }
  return value;
}

void PgConnection::Finish::operator()(pg_conn* connection) const { PQfinish(connection); }
void PgConnection::FreeCancel::operator()(pg_cancel* cancel) const { PQfreeCancel(cancel); }
void PgConnection::FreeMemory::operator()(char* memory) const { PQfreemem(memory); }
PgConnection::~PgConnection() = default;

PgConnection::PgConnection(link::Link& link, const Interrupt& interrupt)
    : link_(link),
      interrupt_(interrupt),
      stream_watch_(link.StallTimeout(), link.Description(), [this](Clock::time_point until) { return Look(until); }) {}

std::unique_ptr<PgConnection> PgConnection::Connect(link::Link& link, const Options& options,
                                                    const Interrupt& interrupt) {
  std::unique_ptr<PgConnection> connection(new PgConnection(link, interrupt));
  connection->Open(options);
  return connection;
}

std::map<std::string, std::string> PgConnection::Parameters() const {
  std::map<std::string, std::string> parameters = link_.ConnectionParameters();
  std::string& startup = parameters["options"];
  if (options_.kind != Kind::kUnpinned) {
    startup += (startup.empty() ? "" : " ") + PinnedOptions(link_.StallTimeout());
  }
  parameters["application_name"] = options_.application_name;
  if (options_.kind == Kind::kReplication) parameters["replication"] = "database";
  if (!options_.database.empty()) parameters["dbname"] = options_.database;
  std::string password = options_.password.empty() ? PasswordFor(link_, parameters) : options_.password;
  if (!password.empty()) parameters["password"] = password;
  return parameters;
}

void PgConnection::Open(const Options& options) {
  options_ = options;
  std::map<std::string, std::string> parameters = Parameters();
  std::map<std::string, std::string> looking = parameters;
  looking["options"] += fmt::format(" -c {}={}", kClientCheckSetting, link_.StallTimeout().count() / 3);
  try {
    Establish(looking);
  } catch (const Error& error) {
    if (std::string_view(error.what()).find(kClientCheckSetting) == std::string_view::npos) throw;
    Establish(parameters);
  }
  cancel_.reset(PQgetCancel(connection_.get()), FreeCancel());
  // Text must come in the database's own encoding, which pg_dump uses too; that of a role or of PGCLIENTENCODING must
  // not be used.
  std::string encoding = Parameter("server_encoding");
  if (Parameter("client_encoding") != encoding && PQsetClientEncoding(connection_.get(), encoding.c_str()) != 0) {
    Throw({"", OneLine(PQerrorMessage(connection_.get()))});
  }
  if (options.kind == Kind::kUnpinned) return;
  std::string settings = SettingStatements(options.lock_timeout_ms);
  // Older servers do not know these settings, so they cannot be startup options.
  if (server_version() >= 170000) settings += "SET transaction_timeout = 0;";
  if (options.decoding_memory_mb > 0) {
    settings += fmt::format("SET logical_decoding_work_mem = '{}MB';", options.decoding_memory_mb);
  }
  if (options.kind == Kind::kOrdinary && KnowsRestrictedRelations(server_version())) {
    settings += "SET restrict_nonsystem_relation_kind = 'view, foreign-table';";
  }
  SetLcMonetary(options.lc_monetary, std::move(settings));
}

void PgConnection::SetLcMonetary(const std::string& locale) { SetLcMonetary(locale, ""); }

// In the same round trip, after `statements`.
void PgConnection::SetLcMonetary(const std::string& locale, std::string statements) {
  const std::string value = locale.empty() ? "current_setting('lc_monetary')" : QuoteLiteral(locale);
  statements += fmt::format("SELECT set_config('lc_monetary', {}, false), pg_catalog.pg_backend_pid()", value);
  const PgResult row = Query(statements);
  lc_monetary_ = row.Get(0, 0);
  server_pid_ = static_cast<int>(row.Int(0, 1));
}

void PgConnection::Establish(const std::map<std::string, std::string>& parameters) {
  std::vector<const char*> keys;
  std::vector<const char*> values;
  for (const auto& [key, value] : parameters) {
    keys.push_back(key.c_str());
    values.push_back(value.c_str());
  }
  keys.push_back(nullptr);
  values.push_back(nullptr);

  connection_.reset(PQconnectStartParams(keys.data(), values.data(), 0));
  if (connection_ == nullptr) throw std::bad_alloc();
  PQsetNoticeReceiver(
      connection_.get(), [](void*, const PGresult*) {}, nullptr);
  const milliseconds limit = std::min(kConnectTimeout, link_.StallTimeout());
  const Clock::time_point deadline = std::min(deadline_.value_or(Clock::time_point::max()), Clock::now() + limit);
  auto fail = [&](const std::string& why) {
    std::string where = link_.Description();
    server_refused_ = why.find("FATAL:  ") != std::string::npos;
    throw ConnectError(why, link_.FailureReason(), where);
  };
  if (PQstatus(connection_.get()) == CONNECTION_BAD) fail(OneLine(PQerrorMessage(connection_.get())));
  for (PostgresPollingStatusType state = PGRES_POLLING_WRITING; state != PGRES_POLLING_OK;
       state = PQconnectPoll(connection_.get())) {
    if (state == PGRES_POLLING_FAILED) fail(OneLine(PQerrorMessage(connection_.get())));
    short events = state == PGRES_POLLING_READING ? POLLIN : POLLOUT;
    pollfd waiting{PQsocket(connection_.get()), events, 0};
    while (poll(&waiting, 1, Interrupt::kPollMs) <= 0) {
      interrupt_.Check();
      if (Clock::now() > deadline) fail(fmt::format("no answer within {} seconds", limit.count() / 1000));
    }
  }
}

// Runs a query on another connection, and on a new one each time: one that was kept would stall too.
PgResult PgConnection::AskOnce(const std::string& sql, Clock::time_point deadline) const {
  PgConnection other(link_, interrupt_);
  other.deadline_ = deadline;
  try {
    other.Open({.password = password(), .application_name = options_.application_name});
    return other.Query(sql);
  } catch (const Error&) {
    if (!other.server_refused_) throw;
    return PgResult(nullptr);
  }
}

ServerState PgConnection::Look(Clock::time_point deadline) const {
  // In the view a walsender is active even while it waits for changes. A server that only says that it has too many
  // clients is alive too.
  const std::string sql = fmt::format(
      "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = {} AND state = 'active' AND "
      "coalesce(wait_event_type, '') <> 'Client' AND coalesce(wait_event, '') <> 'WalSenderMain')",
      backend_pid());
  return LookUntil(deadline, interrupt_, [&] {
    const PgResult row = AskOnce(sql, deadline);
    return row.rows() > 0 && row.Bool(0, 0) ? ServerState::kWaitsForUs : ServerState::kBusy;
  });
}

StallWatch PgConnection::WatchServer() const {
  const std::string sql = fmt::format("SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = {})", backend_pid());
  return {link_.StallTimeout(), link_.Description(), [this, sql](Clock::time_point deadline) {
            return LookUntil(deadline, interrupt_, [&] {
              const PgResult row = AskOnce(sql, deadline);
              return row.rows() > 0 && row.Bool(0, 0) ? ServerState::kWaitsForUs : ServerState::kBusy;
            });
          }};
}

void PgConnection::ThrowLost() const {
  std::string reason = link_.FailureReason();
  if (reason.empty()) reason = OneLine(PQerrorMessage(connection_.get()));
  throw LinkError(LinkError::Kind::kBroke, "the connection to PostgreSQL was lost: " + reason, kGoesOn);
}

void PgConnection::Throw(const PgFailure& failure) const {
  if (failure.sqlstate.empty()) ThrowLost();
  const Error error = ErrorOf(failure);
  if (EndsSession(failure) || IsForLostSnapshot(failure))
    throw LinkError(LinkError::Kind::kBroke, error.what(), error.hint());
  throw error;
}

void PgConnection::WaitFor(short events, int timeout_ms) const {
  pollfd waiting{PQsocket(connection_.get()), events, 0};
  Clock::time_point deadline = Clock::now() + milliseconds(timeout_ms);
  std::optional<StallWatch> watch;  // Most waits end before it is needed.
  for (;;) {
    interrupt_.Check();
    auto left = std::chrono::duration_cast<milliseconds>(deadline - Clock::now()).count();
    if (timeout_ms >= 0 && left < 0) return;
    int wait_ms = timeout_ms < 0 ? Interrupt::kPollMs : static_cast<int>(std::min<int64_t>(left, Interrupt::kPollMs));
    if (poll(&waiting, 1, wait_ms) > 0) return;
    if (timeout_ms >= 0 && left == 0) return;
    if (deadline_ && Clock::now() > *deadline_) throw Error(ErrorCode::kUnreachable, "no answer in time");
    if (timeout_ms >= 0 || deadline_) continue;
    if (!watch) watch.emplace(link_.StallTimeout(), link_.Description(), [this](auto until) { return Look(until); });
    watch->Quiet();
  }
}

// Like PQgetResult(), but the interrupt ends the wait.
pg_result* PgConnection::NextResult() {
  while (PQflush(connection_.get()) > 0) WaitFor(POLLOUT | POLLIN, -1);
  while (PQisBusy(connection_.get()) != 0) {
    WaitFor(POLLIN, -1);
    if (PQconsumeInput(connection_.get()) == 0) ThrowLost();
  }
  return PQgetResult(connection_.get());
}

PgOutcome PgConnection::TryQuery(const std::string& sql) {
  if (PQsendQuery(connection_.get(), sql.c_str()) == 0) ThrowLost();
  PgOutcome outcome;
  while (pg_result* next = NextResult()) {
    PgResult result(next);
    if (!IsFailure(PQresultStatus(next))) {
      outcome.results.push_back(std::move(result));
    } else if (!outcome.failure) {
      outcome.failure = FailureOf(next);
    }
  }
  if (PQstatus(connection_.get()) == CONNECTION_BAD) ThrowLost();
  return outcome;
}

std::vector<PgResult> PgConnection::QueryAll(const std::string& sql) {
  PgOutcome outcome = TryQuery(sql);
  if (outcome.failure) Throw(*outcome.failure);
  return std::move(outcome.results);
}

PgResult PgConnection::Query(const std::string& sql) {
  std::vector<PgResult> results = QueryAll(sql);
  return std::move(results.back());
}

void PgConnection::Send(const std::string& sql) {
  if (PQsendQuery(connection_.get(), sql.c_str()) == 0) ThrowLost();
  while (PQflush(connection_.get()) > 0) WaitFor(POLLOUT, -1);
}

PgOutcome PgConnection::StartCopyOut(const std::string& sql) {
  if (PQsendQuery(connection_.get(), sql.c_str()) == 0) ThrowLost();
  PgOutcome outcome;
  while (pg_result* next = NextResult()) {
    PgResult result(next);
    if (PQresultStatus(next) == PGRES_COPY_OUT) return outcome;
    if (IsFailure(PQresultStatus(next))) {
      outcome.failure = FailureOf(next);
      while (pg_result* rest = NextResult()) PQclear(rest);
      if (PQstatus(connection_.get()) == CONNECTION_BAD) ThrowLost();
      return outcome;
    }
    outcome.results.push_back(std::move(result));
  }
  throw Error(ErrorCode::kBug, "COPY was expected");
}

std::optional<std::string_view> PgConnection::CopyRow() {
  for (;;) {
    if (std::optional<std::string_view> row = TakeCopyData()) return row;
    if (std::exchange(copy_ended_, false)) return std::nullopt;
    WaitFor(POLLIN, -1);
    if (PQconsumeInput(connection_.get()) == 0) ThrowLost();
  }
}

std::optional<PgFailure> PgConnection::FinishCopy() {
  std::optional<PgFailure> failure;
  while (pg_result* next = NextResult()) {
    PgResult result(next);
    if (IsFailure(PQresultStatus(next)) && !failure) failure = FailureOf(next);
  }
  if (PQstatus(connection_.get()) == CONNECTION_BAD) ThrowLost();
  return failure;
}

std::optional<PgFailure> PgConnection::StartStream(const std::string& command) {
  if (PQsendQuery(connection_.get(), command.c_str()) == 0) ThrowLost();
  pg_result* first = NextResult();
  if (first == nullptr) ThrowLost();
  PgResult result(first);
  if (PQresultStatus(first) == PGRES_COPY_BOTH) {
    stream_watch_.Heard();
    return std::nullopt;
  }
  PgFailure failure = FailureOf(first);
  while (pg_result* rest = NextResult()) PQclear(rest);
  if (PQstatus(connection_.get()) == CONNECTION_BAD) ThrowLost();
  return failure;
}

std::optional<std::string_view> PgConnection::TakeCopyData() {
  char* buffer = nullptr;
  int size = PQgetCopyData(connection_.get(), &buffer, /*async=*/1);
  copy_buffer_.reset(buffer);
  if (size > 0) return std::string_view(buffer, static_cast<size_t>(size));
  if (size < 0) copy_ended_ = true;
  return std::nullopt;
}

std::optional<std::string_view> PgConnection::StreamFrame(int timeout_ms) {
  std::optional<std::string_view> frame = TakeCopyData();
  if (!frame && !copy_ended_) {
    if (timeout_ms > 0) WaitFor(POLLIN, timeout_ms);
    if (PQconsumeInput(connection_.get()) == 0) ThrowLost();
    frame = TakeCopyData();
  }
  if (frame) {
    stream_watch_.Heard();
  } else if (!copy_ended_ && timeout_ms > 0) {
    stream_watch_.Quiet();
  }
  if (!copy_ended_) return frame;
  copy_ended_ = false;
  if (std::optional<PgFailure> failure = FinishCopy()) Throw(*failure);
  throw LinkError(LinkError::Kind::kBroke, "the source ended the stream of changes", kGoesOn);
}

void PgConnection::SendStream(std::string_view frame) {
  if (PQputCopyData(connection_.get(), frame.data(), static_cast<int>(frame.size())) < 0) ThrowLost();
  while (PQflush(connection_.get()) > 0) WaitFor(POLLOUT, -1);
}

bool PgConnection::NarrowReceiveWindow() { return postgres::NarrowReceiveWindow(PQsocket(connection_.get())); }

void PgConnection::EndStream() {
  if (PQputCopyEnd(connection_.get(), nullptr) < 0) ThrowLost();
  while (PQflush(connection_.get()) > 0) WaitFor(POLLOUT, -1);
  while (CopyRow()) {
  }
  if (std::optional<PgFailure> failure = FinishCopy()) Throw(*failure);
}

void PgConnection::Cancel() {
  if (cancel_ == nullptr) return;
  // PQcancel() waits without limit for the server to close the connection, so it runs in a thread that is left running
  // if that takes too long.
  std::packaged_task<void()> task([cancel = cancel_] {
    char error[256];
    PQcancel(cancel.get(), error, sizeof error);
  });
  std::future<void> done = task.get_future();
  std::thread(std::move(task)).detach();
  done.wait_for(std::min<milliseconds>(kCancelTimeout, link_.StallTimeout()));
}

int PgConnection::server_version() const { return PQserverVersion(connection_.get()); }
std::string PgConnection::Parameter(const char* name) const {
  const char* value = PQparameterStatus(connection_.get(), name);
  return value == nullptr ? "" : value;
}
std::string PgConnection::password() const {
  const char* used = PQpass(connection_.get());
  return used == nullptr ? "" : used;
}
std::string PgConnection::database() const { return PQdb(connection_.get()); }
std::string PgConnection::user() const { return PQuser(connection_.get()); }
int PgConnection::backend_pid() const { return server_pid_; }
bool PgConnection::through_pooler() const { return server_pid_ != PQbackendPID(connection_.get()); }

std::string PgConnection::QuoteLiteral(std::string_view text) const {
  std::unique_ptr<char, FreeMemory> quoted(PQescapeLiteral(connection_.get(), text.data(), text.size()));
  if (quoted == nullptr) throw Error(ErrorCode::kUsage, "a name is not valid in the database's encoding");
  return quoted.get();
}
std::string PgConnection::QuoteIdentifier(std::string_view text) const {
  std::unique_ptr<char, FreeMemory> quoted(PQescapeIdentifier(connection_.get(), text.data(), text.size()));
  if (quoted == nullptr) throw Error(ErrorCode::kUsage, "a name is not valid in the database's encoding");
  return quoted.get();
}

}  // namespace rotv::postgres
