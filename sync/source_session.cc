#include "sync/source_session.h"

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <chrono>
#include <random>
#include <thread>

#include "storage/error.h"

namespace rotv {
namespace {

// Slots may have lower-case letters, digits and underscores only, 63 bytes in all.
std::string NamePart(std::string text, size_t most) {
  for (char& c : text) {
    c = static_cast<char>(tolower(static_cast<unsigned char>(c)));
    if (!isalnum(static_cast<unsigned char>(c)) || static_cast<unsigned char>(c) > 127) c = '_';
  }
  return text.substr(0, most);
}

std::string HostName() {
  char name[256] = "";
  gethostname(name, sizeof name - 1);
  return name;
}

std::string UserName() {
  const passwd* entry = getpwuid(getuid());
  return entry == nullptr ? std::to_string(getuid()) : entry->pw_name;
}

}  // namespace

SourceSession::SourceSession(const Context& context, const std::filesystem::path& run_directory,
                             Connections connections, Warnings warnings)
    : context_(context), application_name_(fmt::format("rotv-sync {}@{} {}", UserName(), HostName(), getpid())) {
  if (context.source.imported) {
    throw Error(ErrorCode::kUsage,
                fmt::format("{} was imported from a file: there is no source to ask", context.source.name),
                "it can be materialized, compared and started: rotv start --source " + context.source.name);
  }
  application_name_.resize(std::min<size_t>(application_name_.size(), 63));
  link_ = Link::Open(context.source, run_directory, context.interrupt);
  for (const LinkWarning& warning : link_->Warnings()) {
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

void SourceSession::RemoveLeftovers(Workspace& workspace) {
  for (const proto::OwnedObjects& leftover : workspace.Leftovers()) {
    for (const std::string& dropped : DropObjects(*connection_, leftover, context_.interrupt)) {
      context_.progress.Note("removed from the source: " + dropped);
    }
    workspace.RemoveOwned(leftover);
  }
}

std::unique_ptr<PgConnection> SourceSession::TakeReplication() {
  if (opening_replication_.valid()) return opening_replication_.get();
  return Connect(PgConnection::Kind::kReplication);
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

void SourceSession::LetGoWhenSilent() {
  if (switch_.valid()) return;
  PgConnection::Options options{.password = connection_->password(), .application_name = application_name_};
  switch_ = std::async(std::launch::async, [this, options]() -> std::unique_ptr<DeadMansSwitch> {
    try {
      return std::make_unique<DeadMansSwitch>(*link_, options, context_.interrupt);
    } catch (const Error& error) {
      context_.progress.Note(std::string("the source will not notice by itself that we are gone: ") + error.what());
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
                                .lock_timeout_ms = lock_timeout_ms},
                               context_.interrupt);
}

proto::OwnedObjects NewObjectNames(const std::string& source_name) {
  std::random_device random;
  std::string name = fmt::format("rotv_{}_{}_{}_{:08x}", NamePart(HostName(), 16), NamePart(UserName(), 12),
                                 NamePart(source_name, 14), random());
  proto::OwnedObjects objects;
  objects.set_slot(name);
  objects.set_publication(name);
  return objects;
}

std::vector<std::string> DropObjects(PgConnection& connection, const proto::OwnedObjects& objects,
                                     const Interrupt& interrupt) {
  using Clock = std::chrono::steady_clock;
  std::vector<std::string> dropped;
  std::string slot = connection.QuoteLiteral(objects.slot());
  std::string find = fmt::format("SELECT active_pid FROM pg_replication_slots WHERE slot_name = {}", slot);
  // A server notices a client that vanished after its wal_sender_timeout at the latest; a minute is the default.
  Clock::time_point deadline = Clock::now() + std::chrono::seconds(75);
  for (;;) {
    PgResult found = connection.Query(find);
    if (found.rows() == 0) break;
    PgOutcome outcome = connection.TryQuery(fmt::format("SELECT pg_drop_replication_slot({})", slot));
    if (!outcome.failure) {
      dropped.push_back("replication slot " + objects.slot());
      break;
    }
    if (outcome.failure->sqlstate == "42704") break;  // Gone in between.
    if (outcome.failure->sqlstate != "55006") connection.Throw(*outcome.failure);
    if (Clock::now() > deadline) {
      throw Error(
          ErrorCode::kUnreachable,
          fmt::format("replication slot {} is still in use by process {} on the source", objects.slot(),
                      found.Text(0, 0)),
          fmt::format("end it on the source: SELECT pg_terminate_backend({}); then try again", found.Text(0, 0)));
    }
    interrupt.Check();
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  }
  std::string publication = connection.QuoteLiteral(objects.publication());
  if (connection.Query(fmt::format("SELECT FROM pg_publication WHERE pubname = {}", publication)).rows() != 0) {
    connection.Query(fmt::format("DROP PUBLICATION {}", connection.QuoteIdentifier(objects.publication())));
    dropped.push_back("publication " + objects.publication());
  }
  return dropped;
}

std::string RemovalSql(const proto::OwnedObjects& objects) {
  return fmt::format("SELECT pg_drop_replication_slot('{}'); DROP PUBLICATION \"{}\";", objects.slot(),
                     objects.publication());
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

}  // namespace rotv
