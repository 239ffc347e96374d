#include "sync/pull.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <optional>

#include "cli/format.h"
#include "cli/rotv_sync/command.h"
#include "sync/baseline.h"

namespace rotv {
namespace {

std::string PullText(const PullResult& result, const std::string& source_name) {
  if (result.transactions == 0 && result.truncated == 0) {
    return fmt::format("{} is up to date at {} ({}).\n", source_name, result.to.ToString(),
                       HumanDuration(result.seconds));
  }
  std::string text = fmt::format("Pulled {} from {} to {}: {} ({} inserted, {} updated, {} deleted", source_name,
                                 result.from.ToString(), result.to.ToString(),
                                 Counted(result.transactions, "transaction", "transactions"),
                                 HumanCount(result.inserted), HumanCount(result.updated), HumanCount(result.deleted));
  if (result.truncated > 0) text += fmt::format(", {} emptied", Counted(result.truncated, "table", "tables"));
  text += fmt::format(") in {}", HumanDuration(result.seconds));
  if (result.wire_bytes > 0) text += fmt::format("; {} received over SSH", HumanBytes(result.wire_bytes));
  return text + ".\n";
}

Json PullJson(const PullResult& result) {
  Json document;
  document["from"] = result.from.ToString();
  document["to"] = result.to.ToString();
  document["transactions"] = result.transactions;
  document["inserted"] = result.inserted;
  document["updated"] = result.updated;
  document["deleted"] = result.deleted;
  document["truncated"] = result.truncated;
  document["wire_bytes"] = result.wire_bytes;
  document["seconds"] = result.seconds;
  return document;
}

int RunPull(const Session& session) {
  const std::string& name = session.context.source.name;
  std::optional<BaselineResult> baseline;
  if (!HasBaseline(session.context)) {
    session.progress.Say(fmt::format("there is no baseline of {} yet: taking it first", name));
    baseline = TakeBaseline(session.context, {});
  }
  // Also behind a new baseline: a large one took its time, and the source went on.
  PullResult result = Pull(session.context);
  Json document = PullJson(result);
  document["baseline"] = baseline ? BaselineJson(*baseline) : Json();
  session.output.Result((baseline ? BaselineText(*baseline, name) : "") + PullText(result, name), document);
  return 0;
}

}  // namespace

Command DeclarePull(CLI::App& app) {
  app.description("Bring the store up to the source's present");
  app.footer(
      "Takes the baseline first if there is none. What was received before an interruption is\n"
      "kept: run it again to go on.\n\n"
      "Examples:\n"
      "  rotv-sync pull\n"
      "  rotv-sync -q pull && rotv-sync -q materialize");
  return {RunPull, nullptr};
}

}  // namespace rotv
