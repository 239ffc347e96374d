#include "sync/postgres/source_session.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "storage/error.h"
#include "sync/link/open_link.h"
#include "sync/postgres/object_names.h"

namespace rotv::postgres {

SourceSession::SourceSession(const Context& context, const std::filesystem::path& run_directory,
                             Connections connections, Warnings warnings)
    : context_(context),
      application_name_(fmt::format("rotv-sync {}@{} {}", LocalUserName(), LocalHostName(), getpid())) {
  if (context.source.imported) {
    throw Error(ErrorCode::kUsage,
                fmt::format("{} was imported from a file: there is no source to ask", context.source.name),
                "it can be materialized, compared and started: rotv start --source " + context.source.name);
  }
  application_name_.resize(std::min<size_t>(application_name_.size(), 63));
  link_ = link::OpenLink(context.source, run_directory, context.interrupt);
  for (const link::LinkWarning& warning : link_->Warnings()) {
    if (warnings == Warnings::kKeep) continue;
    context.progress.Warn(warning.message + (warning.fix.empty() ? "" : ": ") + warning.fix);
  }
  if (connections == Connections::kAlsoReplication) {
    opening_replication_ = std::async(std::launch::async, [this] {
      return PgConnection::Connect(*link_,
                                   {.kind = PgConnection::Kind::kReplication, .application_name = application_name_},
                                   context_.interrupt);
    });
  }
  connection_ = PgConnection::Connect(*link_, {.application_name = application_name_}, context.interrupt);
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
  return PgConnection::Connect(*link_,
                               {.kind = kind,
                                .password = connection_->password(),
                                .application_name = application_name_,
                                .lock_timeout_ms = lock_timeout_ms,
                                .lc_monetary = connection_->lc_monetary()},
                               context_.interrupt);
}

std::unique_ptr<PgConnection> SourceSession::ConnectTo(const std::string& database) {
  return PgConnection::Connect(
      *link_, {.password = connection_->password(), .database = database, .application_name = application_name_},
      context_.interrupt);
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
