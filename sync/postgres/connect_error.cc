#include "sync/postgres/connect_error.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

#include "sync/link/channel_failure.h"

namespace rotv::postgres {
namespace {

// The error for a failure that the remote host would repeat next time; nullopt if trying again may help.
std::optional<Error> RefusedByRemoteHost(const std::string& what, const std::string& reason) {
  auto says = [&](const char* text) { return reason.find(text) != std::string::npos; };
  if (says(" has no container ")) return Error(ErrorCode::kRefused, what, "check `container` in rotv.toml");
  if (says(" has no bash")) {
    return Error(ErrorCode::kRefused, what,
                 "install bash in the container, or publish PostgreSQL's port or socket and leave "
                 "`container` out of rotv.toml");
  }
  if (says("there is no ") || says(" may not use ")) {
    return Error(ErrorCode::kRefused, what,
                 "check `runtime` (podman or docker) in rotv.toml, and who `ssh` logs in as");
  }
  if (says(" forbids forwarding ")) {
    return Error(
        ErrorCode::kRefused, what,
        "allow it in sshd_config there and reload sshd; or go another way: host = \"127.0.0.1\", or a socket's "
        "directory, in rotv.toml");
  }
  if (says(" does not run the commands ")) return Error(ErrorCode::kRefused, what, link::kNoCommandsHint);
  if (says(" runs no command "))
    return Error(ErrorCode::kRefused, what, "allow it in sshd_config there and reload sshd");
  return std::nullopt;
}

// The name of a connection pooler that words its refusals like this; empty: the server does not seem to be one.
std::string PoolerThatSays(std::string_view message) {
  const auto says = [&](std::string_view text) { return message.find(text) != std::string_view::npos; };
  if (says("RDS Proxy")) return "RDS Proxy";
  if (says("odyssey:") || says("Odyssey")) return "Odyssey";
  if (says("pgcat") || says("PgCat")) return "PgCat";
  if (says("Supavisor") || says("Tenant or user not found")) return "Supavisor";
  // The first are what a client of ours meets, since it sends options and asks for replication.
  for (const char* text : {"unsupported startup parameter", "pgbouncer cannot connect", "unsupported pkt type",
                           "no such database: ", "no such user: ", "bouncer config error", "query_wait_timeout",
                           "no more connections allowed"}) {
    if (says(text)) return "PgBouncer, or one like it";
  }
  return "";
}

// A server refuses a login with a context only if code of an owner ran in it: a login event trigger (since 17). Its
// message may quote the function's statement in further lines, which are left out.
std::optional<Error> RefusedByLoginTrigger(const std::string& message, const std::string& where) {
  constexpr std::string_view kContext = " CONTEXT:  ";
  const size_t words = message.find("FATAL:  ");
  const size_t context = message.find(kContext);
  if (words == std::string::npos || context == std::string::npos) return std::nullopt;
  std::string said = message.substr(words + 8, context - words - 8);
  for (const char* field : {" LINE 1: ", " QUERY:  ", " DETAIL:  ", " HINT:  "})
    said.resize(std::min(said.find(field), said.size()));
  return Error(
      ErrorCode::kRefused,
      fmt::format("cannot connect to PostgreSQL at {}: a login event trigger of the database refuses it, psql's "
                  "connections too: {} ({})",
                  where, said, message.substr(context + kContext.size())),
      "on the source: let its function return for this role (IF session_user = '…' THEN RETURN; END IF;), or as a "
      "superuser ALTER EVENT TRIGGER … DISABLE; pg_event_trigger lists them, those with evtevent 'login' (psql "
      "\"options=-c event_triggers=off\" gets a superuser in)");
}

// Limits of the number of connections: too many for the role, the database or the server.
std::optional<Error> TooManyConnections(const std::string& what, const std::string& message) {
  const auto says = [&](const char* text) { return message.find(text) != std::string::npos; };
  if (says("too many connections for role")) {
    return Error(ErrorCode::kRefused, what,
                 "on the source: ALTER ROLE … CONNECTION LIMIT 20; (for `user` of rotv.toml)");
  }
  if (says("too many connections for database")) {
    return Error(ErrorCode::kRefused, what,
                 "on the source: ALTER DATABASE … CONNECTION LIMIT 100; (for `database` of rotv.toml)");
  }
  if (says("too many clients already") || says("remaining connection slots are reserved")) {
    return Error(ErrorCode::kUnreachable, what,
                 "try again when fewer clients are connected; or on the source: ALTER SYSTEM SET max_connections = …; "
                 "then restart it");
  }
  return std::nullopt;
}

}  // namespace

Error PoolerError(const Error& error) {
  return {ErrorCode::kRefused,
          fmt::format("{}. Other connections work, but through a program in between, which looks like a connection "
                      "pooler",
                      error.what()),
          kPoolerHint};
}

Error ConnectError(const std::string& message, const std::string& link_reason, const std::string& where) {
  auto says = [&](const char* text) { return message.find(text) != std::string::npos; };
  // The text before the server's message names our end of the tunnel, which means nothing to the user.
  size_t words = message.find("FATAL:  ");
  std::string server_said = words == std::string::npos ? message : message.substr(words + 8);
  std::string what =
      fmt::format("cannot connect to PostgreSQL at {}: {}", where, link_reason.empty() ? server_said : link_reason);
  if (std::optional<Error> error = RefusedByRemoteHost(what, link_reason)) return *error;
  if (link_reason.find("could not connect to the socket") != std::string::npos) {
    return {
        ErrorCode::kUnreachable, what,
        "check that PostgreSQL runs there and that host and port in rotv.toml are right (a socket's directory, or by "
        "TCP host = \"127.0.0.1\"), then try again"};
  }
  if (std::optional<Error> error = RefusedByLoginTrigger(message, where)) return *error;
  if (const std::string pooler = PoolerThatSays(message); !pooler.empty()) {
    return {ErrorCode::kRefused, fmt::format("{}. This is not PostgreSQL but a connection pooler ({})", what, pooler),
            kPoolerHint};
  }
  if (std::optional<Error> error = TooManyConnections(what, message)) return *error;
  if (says("password authentication failed") || says("no password supplied")) {
    return {ErrorCode::kRefused, what, "set PGPASSWORD, or add a line for this server to ~/.pgpass (mode 0600)"};
  }
  if (says("no pg_hba.conf entry") || says("pg_hba.conf rejects") || says("authentication failed")) {
    return {ErrorCode::kRefused, what,
            "let this user in: add a line for the database (and its user) to pg_hba.conf on the source, then "
            "SELECT pg_reload_conf();"};
  }
  if (says("does not exist") && says("database")) {
    return {ErrorCode::kRefused, what, "check `database` in rotv.toml; psql -l on the source lists those that exist"};
  }
  if (says("does not exist") && says("role")) {
    return {ErrorCode::kRefused, what, "check `user` in rotv.toml; \\du in psql on the source lists those that exist"};
  }
  if (says("must be superuser or replication role") || says("permission denied to start WAL sender") ||
      says("REPLICATION attribute")) {
    return {ErrorCode::kRefused, what,
            "on the source, as a superuser: ALTER ROLE … REPLICATION; (for `user` of rotv.toml)"};
  }
  if (says("permission denied for database")) {
    return {ErrorCode::kRefused, what,
            "on the source: GRANT CONNECT ON DATABASE … TO …; (`database` and `user` of rotv.toml)"};
  }
  if (says("max_wal_senders")) {
    return {ErrorCode::kRefused, what, "on the source: ALTER SYSTEM SET max_wal_senders = 10; then restart it"};
  }
  if (says("channel binding") || says("\"!password\"") || link_reason.find(" in clear") != std::string::npos) {
    return {ErrorCode::kRefused, fmt::format("{}. The password was not sent: anyone in between could read it", what),
            "prove the server: add ?sslmode=verify-full&sslrootcert=FILE to the url; or let pg_hba.conf there ask with "
            "scram-sha-256; or, if it asks for no password, unset PGPASSWORD"};
  }
  // A link that breaks while TLS is negotiated.
  const bool broke = says("SSL SYSCALL error") || says("unexpected eof") || says("closed unexpectedly") ||
                     says("server closed the connection") || says("Connection reset");
  if (!broke && (says("SSL") || says("certificate"))) {
    return {ErrorCode::kRefused, what, "check sslmode and the certificates that the url names"};
  }
  return {ErrorCode::kUnreachable, what,
          "check that PostgreSQL runs there and that host and port in rotv.toml are right, then try again"};
}

}  // namespace rotv::postgres
