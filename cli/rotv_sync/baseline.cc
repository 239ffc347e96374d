#include "sync/baseline.h"

#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/output/format.h"
#include "cli/rotv_sync/command.h"

namespace rotv {

std::string BaselineText(const BaselineResult& result, const std::string& source_name) {
  std::string text =
      fmt::format("Baseline of {} at {}: {}, {} ({}) in {}.\n", source_name, result.lsn.ToString(),
                  output::Counted(result.tables, "table", "tables"), output::Counted(result.rows, "row", "rows"),
                  output::HumanBytes(result.row_bytes), output::HumanDuration(result.seconds));
  text += fmt::format("The store takes {}", output::HumanBytes(result.store_bytes));
  if (result.wire_bytes > 0) text += fmt::format("; {} were received over SSH", output::HumanBytes(result.wire_bytes));
  text += ReconnectedText(result.reconnects) + ".\n";
  if (result.went_on) {
    text += fmt::format("It went on where an earlier run had ended: {} of {} were not copied again.\n",
                        output::HumanCount(result.tables_kept), output::Counted(result.tables, "table", "tables"));
  }
  return text;
}

output::Json BaselineJson(const BaselineResult& result) {
  output::Json document;
  document["lsn"] = result.lsn.ToString();
  document["tables"] = result.tables;
  document["rows"] = result.rows;
  document["row_bytes"] = result.row_bytes;
  document["store_bytes"] = result.store_bytes;
  document["wire_bytes"] = result.wire_bytes;
  document["reconnects"] = result.reconnects;
  document["seconds"] = result.seconds;
  document["went_on"] = result.went_on;
  document["tables_kept"] = result.tables_kept;
  document["rows_copied"] = result.rows_copied;
  document["carried_masks"] = result.carried_masks;
  document["lacking"] = output::Json::array();  // Always empty: tables without an identity are followed too.
  return document;
}

namespace {

int RunDiscard(const program::Session& session) {
  const std::string& name = session.context.source.name;
  const std::optional<std::string> discarded = DiscardUnfinished(session.context);
  session.output.Result(discarded ? fmt::format("Gave up the unfinished baseline of {}: {}.\n", name, *discarded)
                                  : fmt::format("There is no unfinished baseline of {}.\n", name),
                        output::Json{{"discarded", discarded.has_value()}});
  return 0;
}

}  // namespace

program::SyncCommand DeclareBaseline(CLI::App& app) {
  struct Flags {
    bool force = false;
    bool restart = false;
    bool discard = false;
    bool allow_unlimited_wal = false;
    bool no_retry = false;
  };
  auto flags = std::make_shared<Flags>();
  app.description("Take the full baseline");
  app.add_flag("--force", flags->force, "Replace the existing baseline once the new one is complete");
  auto* restart = app.add_flag("--restart", flags->restart,
                               "Begin from the start instead of going on with an interrupted baseline");
  app.add_flag("--discard", flags->discard,
               "Remove what is here of an interrupted baseline, and its slot on the source; take none")
      ->excludes(restart);
  app.add_flag("--allow-unlimited-wal", flags->allow_unlimited_wal,
               "Accept that the source's max_slot_wal_keep_size is unlimited: a forgotten slot\n"
               "can then fill the source's disk");
  AddNoRetry(app, &flags->no_retry);
  app.footer(
      "Creates one slot and one publication on the source; rotv-sync detach removes them.\n"
      "When the link breaks, it connects again and goes on, for about a minute without progress (\"retries\"\n"
      "in rotv.toml). If it is interrupted, the tables that are complete stay, and so does the slot: the next\n"
      "run goes on.\n\n"
      "Examples:\n"
      "  rotv-sync baseline\n"
      "  rotv-sync --source staging baseline --force");
  auto run = [flags](const program::Session& session) {
    if (flags->discard) return RunDiscard(session);
    BaselineOptions options;
    if (flags->restart) options.unfinished = Unfinished::kRestart;
    if (flags->force) options.replace = Replace::kAllow;
    if (flags->allow_unlimited_wal) options.wal_limit = capture::WalLimit::kUnlimitedAllowed;
    Context context = session.context;
    context.retry = !flags->no_retry;
    BaselineResult result = TakeBaseline(context, options);
    session.output.Result(BaselineText(result, session.context.source.name), BaselineJson(result));
    return 0;
  };
  return {run, nullptr};
}

}  // namespace rotv
