#include "sync/postgres/schema_dump.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "storage/error.h"
#include "sync/context/link_error.h"
#include "sync/postgres/psql_restrict.h"

namespace rotv::postgres {
namespace {

// Finds the error in pg_dump's output: the first line with "error: ", since the failed query follows it in many lines;
// else the last line.
std::string ErrorLine(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  size_t error = text.find("error: ");
  if (error != std::string::npos) return text.substr(error + 7, text.find('\n', error) - error - 7);
  size_t newline = text.rfind('\n');
  return newline == std::string::npos ? text : text.substr(newline + 1);
}

std::vector<std::string> WholeSchema() {
  return {"--section=pre-data", "--section=post-data", "--clean", "--if-exists"};
}

int MajorOf(int version) { return version / 10000; }

[[noreturn]] void ThrowNoProgram(SourceSession& session) {
  int major = MajorOf(session.connection().server_version());
  throw Error(ErrorCode::kRefused, fmt::format("there is no pg_dump at {}", session.link().Description()),
              fmt::format("install it there: apt-get install postgresql-client-{} (or the like)", major));
}

// True if pg_dump failed because its connection ended, or because it got none: ours may work all the same.
bool LostConnection(std::string_view text) {
  constexpr std::string_view kTexts[] = {"server closed the connection", "could not receive data from server",
                                         "could not send data to server", "SSL SYSCALL error", "unexpected eof",
                                         "no connection to the server", "terminating connection", "Connection refused",
                                         "timeout expired", "the database system is",
                                         // The connection that exported it was lost.
                                         "invalid snapshot identifier", "ERROR:  snapshot \""};
  return std::any_of(std::begin(kTexts), std::end(kTexts),
                     [&](std::string_view part) { return text.find(part) != std::string_view::npos; });
}

Error DumpError(SourceSession& session, const os::CommandResult& result) {
  const std::string& text = result.stderr_text;
  auto says = [&](const char* part) { return text.find(part) != std::string::npos; };
  if (result.exit_status == 127) ThrowNoProgram(session);
  if (says("server version mismatch")) {
    int major = MajorOf(session.connection().server_version());
    return {ErrorCode::kRefused,
            fmt::format("pg_dump at {} is older than the server (PostgreSQL {})", session.link().Description(), major),
            fmt::format("install it there: apt-get install postgresql-client-{} (or the like)", major)};
  }
  if (says("permission denied")) {
    return {ErrorCode::kRefused, "pg_dump may not read the schema: " + ErrorLine(text),
            "rotv-sync doctor names the objects that it may not read, and the statements that grant it"};
  }
  if (says("lock timeout") || says("canceling statement") || says("deadlock detected")) {
    return {ErrorCode::kUnreachable, "pg_dump could not get a lock on the source: " + ErrorLine(text),
            "try again when the migration that holds it has ended"};
  }
  if (says("No such container") || says("no such container") || says("no container with name")) {
    return {ErrorCode::kRefused,
            fmt::format("no such container at {}: {}", session.link().Description(), ErrorLine(text)),
            "check `container` and `runtime` in rotv.toml; podman ps on the source lists those that run"};
  }
  return {ErrorCode::kRefused, fmt::format("pg_dump failed (exit status {}): {}", result.exit_status, ErrorLine(text)),
          "run pg_dump --schema-only there by hand to see more"};
}

// Without a snapshot, pg_dump takes its own.
os::ProgramCall DumpCommand(SourceSession& session, const std::string& snapshot, std::vector<std::string> sections,
                            DumpRights rights = {}) {
  os::ProgramCall command;
  command.argv = {"pg_dump"};
  for (const std::string& argument : session.link().DumpArguments()) command.argv.push_back(argument);
  for (const char* argument : {"--no-password", "--no-publications", "--no-subscriptions", "--lock-wait-timeout=10s"}) {
    command.argv.emplace_back(argument);
  }
  if (!rights.owners) command.argv.emplace_back("--no-owner");
  if (!rights.privileges) command.argv.emplace_back("--no-acl");
  if (!snapshot.empty()) command.argv.push_back("--snapshot=" + snapshot);
  // A client_encoding of the role must not be used: rows come in the database's own encoding.
  command.argv.push_back("--encoding=" + session.connection().Parameter("server_encoding"));
  for (std::string& section : sections) command.argv.push_back(std::move(section));
  command.env = {{"PGTZ", "UTC"},
                 {"PGOPTIONS", PinnedOptions(session.link().StallTimeout())},
                 {"PGAPPNAME", session.application_name()}};
  command.password = session.connection().password();
  return command;
}

std::optional<std::string> RunDump(SourceSession& session, os::ProgramCall command) {
  std::string text;
  StallWatch watch = session.connection().WatchServer();
  command.while_quiet = [&watch] { watch.Quiet(); };
  os::CommandResult result = session.link().Run(command, [&](std::string_view part) {
    watch.Heard();
    text.append(part);
  });
  if (result.exit_status == 0) return text;
  if (result.stderr_text.find("canceling statement due to user request") != std::string::npos) return std::nullopt;
  if (LostConnection(result.stderr_text)) {
    throw LinkError(LinkError::Kind::kBroke, "pg_dump lost its connection: " + ErrorLine(result.stderr_text),
                    "run the same command again: it goes on where it stopped");
  }
  throw DumpError(session, result);
}

}  // namespace

std::optional<formats::DumpSections> DumpSchema(SourceSession& session, const std::string& snapshot) {
  const std::optional<std::string> all = RunDump(session, DumpCommand(session, snapshot, WholeSchema()));
  if (!all) return std::nullopt;
  if (std::optional<formats::DumpSections> sections = formats::SplitDumpByKinds(*all)) return sections;
  const std::optional<std::string> post = RunDump(session, DumpCommand(session, snapshot, {"--section=post-data"}));
  if (!post) return std::nullopt;
  return formats::SplitDump(*all, *post);
}

std::optional<formats::DumpSections> DumpSchemaWithRights(SourceSession& session, DumpRights rights) {
  const std::optional<std::string> all = RunDump(session, DumpCommand(session, "", WholeSchema(), rights));
  if (!all) return std::nullopt;
  if (std::optional<formats::DumpSections> sections = formats::SplitDumpByKinds(*all)) return sections;
  // With privileges at its end, the dump of post-data alone is no suffix.
  throw Error(ErrorCode::kProtocol, "the place of the rows in the dump of the source's schema is not clear",
              "write the seed without --owner and --acl");
}

void TryDump(SourceSession& session) {
  os::ProgramCall command = DumpCommand(session, "", WholeSchema());
  command.argv.emplace_back("--exclude-schema=*");
  const std::optional<std::string> dump = RunDump(session, command);
  if (dump) (void)formats::SplitDumpByKinds(*dump);
}

std::optional<std::string> DumpDrops(SourceSession& session, const std::string& snapshot) {
  return RunDump(session, DumpCommand(session, snapshot, {"--section=post-data", "--clean", "--if-exists"}));
}

int DumpProgramVersion(SourceSession& session) {
  std::string text;
  os::CommandResult result = session.link().Run({.argv = {"pg_dump", "--version"}, .env = {}, .password = ""},
                                                [&](std::string_view part) { text.append(part); });
  if (result.exit_status != 0) throw DumpError(session, result);
  return ParseProgramVersion(text);
}

}  // namespace rotv::postgres
