#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "cli/output/format.h"
#include "cli/program/compact_afterwards.h"
#include "cli/rotv_sync/command.h"
#include "storage/error.h"
#include "sync/history_log.h"

namespace rotv {
namespace {

struct LogFlags {
  std::string since;
  std::string table;
  size_t limit = 0;
  CLI::Option* limit_option = nullptr;
  bool follow = false;
  int interval_s = 0;
  bool no_retry = false;
};

// Without --since and --limit only the last transactions are shown.
constexpr size_t kLastByDefault = 50;

std::string TableText(const LoggedTransaction::Table& table) {
  std::string text = output::OneLine(table.name);
  if (table.truncated) text += " truncated";
  if (table.inserted > 0) text += fmt::format(" +{}", output::HumanCount(table.inserted));
  if (table.updated > 0) text += fmt::format(" ~{}", output::HumanCount(table.updated));
  if (table.deleted > 0) text += fmt::format(" -{}", output::HumanCount(table.deleted));
  return text;
}

std::string TransactionText(const LoggedTransaction& transaction) {
  std::string text = fmt::format("{}  {:<17} ", output::HumanTime(transaction.time_us), transaction.lsn.ToString());
  const char* between = " ";
  for (const LoggedTransaction::Table& table : transaction.tables) {
    text += between + TableText(table);
    between = ", ";
  }
  return text + "\n";
}

output::Json TransactionJson(const LoggedTransaction& transaction) {
  output::Json document{
      {"lsn", transaction.lsn.ToString()}, {"time", output::IsoTime(transaction.time_us)}, {"xid", transaction.xid}};
  document["tables"] = output::Json::array();
  for (const LoggedTransaction::Table& table : transaction.tables) {
    document["tables"].push_back(output::Json{{"table", table.name},
                                              {"inserted", table.inserted},
                                              {"updated", table.updated},
                                              {"deleted", table.deleted},
                                              {"truncated", table.truncated}});
  }
  return document;
}

// Writes one document, {"source": ..., "transactions": [...]}, in pieces, as the transactions are read.
int WriteJson(const LogRequest& request, const program::Session& session) {
  std::string before =
      fmt::format("{{\n\"source\": {},\n\"transactions\": [", output::Json(session.context.source.name).dump());
  const char* between = "\n";
  bool read = true;
  ReadLog(session.context, request, [&](const LoggedTransaction& transaction) {
    read = session.output.Part(before + between + output::CompactJson(TransactionJson(transaction)));
    before.clear();
    between = ",\n";
    return read;
  });
  session.output.Part(before + "\n]\n}\n");
  return 0;
}

// Ends by Ctrl-C as a rule. Whether files wait to be merged then is seen by the program that merges them.
void Follow(const Context& context, const LogRequest& request, const VisitTransaction& visit) {
  try {
    FollowLog(context, request, visit);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kInterrupted) program::CompactAfterwards(context, true);
    throw;
  }
  program::CompactAfterwards(context, true);
}

int RunLog(const LogFlags& flags, const program::Session& session) {
  LogRequest request{.since = flags.since, .table = flags.table, .last = flags.limit, .interval_s = flags.interval_s};
  if (flags.limit_option->count() == 0 && flags.since.empty()) request.last = kLastByDefault;
  bool json = session.output.form() == output::Output::Form::kJson;
  if (json && !flags.follow) return WriteJson(request, session);
  auto visit = [&](const LoggedTransaction& transaction) {
    return session.output.Part(json ? output::CompactJson(TransactionJson(transaction)) + "\n"
                                    : TransactionText(transaction));
  };
  if (flags.follow) {
    Context context = session.context;
    context.retry = !flags.no_retry;
    Follow(context, request, visit);
  } else {
    ReadLog(session.context, request, visit);
  }
  return 0;
}

}  // namespace

program::SyncCommand DeclareLog(CLI::App& app) {
  auto flags = std::make_shared<LogFlags>();
  app.description("Show the transactions received and what each changed: + inserted, ~ updated, - deleted rows");
  app.add_option("--since", flags->since, "Only transactions from this time, WAL position or snapshot on")
      ->type_name("POINT");
  app.add_option("--table", flags->table, "Only transactions that changed this table")->type_name("TABLE");
  flags->limit_option = app.add_option("--limit", flags->limit,
                                       "Only the last N transactions; 0 shows all (default: 50; all with --since)")
                            ->type_name("N");
  CLI::Option* follow =
      app.add_flag("--follow,-f", flags->follow, "Stay connected; pull and show new transactions until interrupted");
  app.add_option("--interval", flags->interval_s,
                 "With --follow: seconds between two pulls (default: 1; from a remote, 5)")
      ->type_name("SECONDS")
      ->check(CLI::Range(1, 86'400))
      ->needs(follow);
  AddNoRetry(app, &flags->no_retry)->needs(follow);
  app.footer(
      "With --json --follow, each line is one document.\n\n"
      "Examples:\n"
      "  rotv-sync log\n"
      "  rotv-sync log --since \"2 hours ago\" --table users\n"
      "  rotv-sync log --since monday\n"
      "  rotv-sync log --follow");
  return {.run = [flags](const program::Session& session) { return RunLog(*flags, session); },
          .only_reads = [flags] { return !flags->follow; }};
}

}  // namespace rotv
