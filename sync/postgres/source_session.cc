#include "sync/postgres/source_session.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <optional>
#include <thread>

#include "storage/error.h"
#include "sync/context/link_error.h"
#include "sync/context/require_server.h"
#include "sync/link/open_link.h"
#include "sync/postgres/connect_error.h"
#include "sync/postgres/object_names.h"

namespace rotv::postgres {
namespace {

// Ending the sessions of a broken connection takes a fraction of a second; what holds out longer is left to the source.
constexpr int kMostTerminations = 10;

// Every session of this process has another name. The watch of a DeadMansSwitch goes on for a while after its session
// has broken, and then ends all sessions of that name; those of the next attempt must have another one.
std::string NewApplicationName() {
  static std::atomic<int> sessions{0};
  const int number = ++sessions;
  const std::string process = number == 1 ? std::to_string(getpid()) : fmt::format("{}.{}", getpid(), number);
  constexpr size_t kMost = 63;  // The server cuts off what is longer.
  std::string place = fmt::format("rotv-sync {}@{}", LocalUserName(), LocalHostName());
  place.resize(std::min(place.size(), kMost - 1 - process.size()));
  return place + " " + process;
}

// Calls `connect`, and throws a LinkError where it throws kUnreachable.
template <typename Connect>
auto Connecting(const Connect& connect) {
  try {
    return connect();
  } catch (const LinkError&) {
    throw;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kUnreachable) throw;
    throw LinkError(LinkError::Kind::kNotMade, error.what(), error.hint());
  }
}

}  // namespace

SourceSession::SourceSession(const Context& context, const std::filesystem::path& run_directory,
                             Connections connections, Warnings warnings)
    : context_(context), application_name_(NewApplicationName()) {
  RequireServer(context.source);
  link_ = Connecting([&] { return link::OpenLink(context.source, run_directory, context.interrupt); });
  for (const link::LinkWarning& warning : link_->Warnings()) {
    if (warnings == Warnings::kKeep) continue;
    context.progress.Warn(warning.message + (warning.fix.empty() ? "" : ": ") + warning.fix);
  }
  if (connections == Connections::kAlsoReplication) {
    opening_replication_ = std::async(std::launch::async, [this] {
      return Open({.kind = PgConnection::Kind::kReplication,
                   .application_name = application_name_,
                   .decoding_memory_mb = context_.source.decoding_memory_mb});
    });
  }
  connection_ = Open({.application_name = application_name_});
  opened_ = true;
}

std::unique_ptr<PgConnection> SourceSession::TakeReplication() {
  if (!opening_replication_.valid()) return Connect(PgConnection::Kind::kReplication);
  std::unique_ptr<PgConnection> replication = opening_replication_.get();
  // The setting may have changed between the two logins.
  if (replication->lc_monetary() != connection_->lc_monetary()) replication->SetLcMonetary(connection_->lc_monetary());
  return replication;
}

std::unique_ptr<PgConnection> SourceSession::Connect(PgConnection::Kind kind, int lock_timeout_ms) {
  std::future<std::unique_ptr<PgConnection>> prepared;
  if (kind == PgConnection::Kind::kOrdinary && lock_timeout_ms == kLockTimeoutMs) {
    std::lock_guard lock(mutex_);
    if (!prepared_.empty()) {
      prepared = std::move(prepared_.front());
      prepared_.pop_front();
    }
  }
  return prepared.valid() ? prepared.get() : Open(kind, lock_timeout_ms);
}

void SourceSession::EndSessionsWhenSilent() {
  if (switch_.valid()) return;
  PgConnection::Options options{.password = connection_->password(), .application_name = application_name_};
  switch_ = std::async(std::launch::async, [this, options]() -> std::unique_ptr<DeadMansSwitch> {
    try {
      return std::make_unique<DeadMansSwitch>(*link_, options, context_.interrupt);
    } catch (const Error& error) {
      context_.progress.Note(std::string("if this run dies, the source will not notice it by itself: ") + error.what());
      return nullptr;
    }
  });
}

void SourceSession::Prepare(size_t connections) {
  std::lock_guard lock(mutex_);
  while (prepared_.size() < connections) {
    prepared_.push_back(
        std::async(std::launch::async, [this] { return Open(PgConnection::Kind::kOrdinary, kLockTimeoutMs); }));
  }
}

std::unique_ptr<PgConnection> SourceSession::Open(PgConnection::Kind kind, int lock_timeout_ms) {
  return Open({.kind = kind,
               .password = connection_->password(),
               .application_name = application_name_,
               .lock_timeout_ms = lock_timeout_ms,
               .decoding_memory_mb = kind == PgConnection::Kind::kReplication ? context_.source.decoding_memory_mb : 0,
               .lc_monetary = connection_->lc_monetary()});
}

std::unique_ptr<PgConnection> SourceSession::Open(const PgConnection::Options& options) {
  return Connecting([&] {
    try {
      return PgConnection::Connect(*link_, options, context_.interrupt);
    } catch (const Error& error) {
      const bool refused = options.kind == PgConnection::Kind::kReplication && error.code() == ErrorCode::kRefused;
      // While the first connection is being made, it is not known whether it comes through a pooler.
      if (!refused || !opened_ || !connection_->through_pooler()) throw;
      throw PoolerError(error);
    }
  });
}

std::unique_ptr<PgConnection> SourceSession::ConnectTo(const std::string& database) {
  return Open({.password = connection_->password(), .database = database, .application_name = application_name_});
}

void SourceSession::EndFormer(const std::string& application_name) {
  const std::string sql = fmt::format(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = {} AND usename = session_user",
      connection_->QuoteLiteral(application_name));
  // A walsender whose client does not read waits while it tells it that it ends: only a second request ends it.
  for (int tries = 0; tries < kMostTerminations; ++tries) {
    const auto answer = connection_->TryQuery(sql);
    if (answer.failure) {
      context_.progress.Note("what the connection that was lost holds on the source stays until the source notices: " +
                             answer.failure->message);
      return;
    }
    if (answer.results.at(0).rows() == 0) return;
    context_.interrupt.Check();
    std::this_thread::sleep_for(std::chrono::milliseconds(Interrupt::kPollMs));
  }
}

proto::SourceIdentity ReadIdentity(PgConnection& connection) {
  PgResult row = connection.Query(fmt::format("SELECT {}, current_database()", kIdentityColumns));
  proto::SourceIdentity identity;
  identity.set_system_id(static_cast<uint64_t>(row.Int(0, 0)));
  identity.set_timeline(row.Oid(0, 1));
  identity.set_database_oid(row.Oid(0, 2));
  identity.set_database(row.Get(0, 3));
  identity.set_server_version(static_cast<uint32_t>(connection.server_version()));
  identity.set_encoding(connection.Parameter("server_encoding"));
  return identity;
}

}  // namespace rotv::postgres
