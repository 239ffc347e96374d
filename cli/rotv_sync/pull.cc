#include "sync/pull.h"

#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/output/format.h"
#include "cli/program/compact_afterwards.h"
#include "cli/report/diff_report.h"
#include "cli/report/schema_line.h"
#include "cli/rotv_sync/command.h"
#include "storage/error.h"
#include "sync/baseline.h"

namespace rotv {

CLI::Option* AddNoRetry(CLI::App& app, bool* no_retry) {
  return app.add_flag("--no-retry", *no_retry, "End with exit code 4 when the link breaks; do not connect again");
}

std::string ReconnectedText(int reconnects) {
  if (reconnects == 0) return "";
  return fmt::format("; reconnected {}", output::Counted(static_cast<uint64_t>(reconnects), "time", "times"));
}

namespace {

// Lists at most ten names, and how many more there are.
std::string Listed(const std::vector<std::string>& names) {
  constexpr size_t kMost = 10;
  std::string text;
  for (size_t i = 0; i < names.size() && i < kMost; ++i) text += (i == 0 ? "" : ", ") + output::OneLine(names[i]);
  return names.size() > kMost ? fmt::format("{} and {} more", text, names.size() - kMost) : text;
}

// One line that lists carried masks; empty if there are none.
std::string CarriedText(const std::vector<std::string>& masks) {
  if (masks.empty()) return "";
  return fmt::format("Still masked, although no rule in the config covers them (\"keep\" ends it): {}.\n",
                     Listed(masks));
}

std::string PullText(const PullResult& result, const std::string& source_name) {
  if (result.transactions == 0 && result.truncated == 0 && result.copied.empty() && !result.schema_changed &&
      !result.mask_changed) {
    return fmt::format("{} is up to date at {} ({}).\n", source_name, result.to.ToString(),
                       output::HumanDuration(result.seconds)) +
           CarriedText(result.carried_masks);
  }
  std::string text = fmt::format(
      "Pulled {} from {} to {}: {} ({} inserted, {} updated, {} deleted", source_name, result.from.ToString(),
      result.to.ToString(), output::Counted(result.transactions, "transaction", "transactions"),
      output::HumanCount(result.inserted), output::HumanCount(result.updated), output::HumanCount(result.deleted));
  if (result.truncated > 0) text += fmt::format(", {} truncated", output::Counted(result.truncated, "table", "tables"));
  text += fmt::format(") in {}", output::HumanDuration(result.seconds));
  if (result.wire_bytes > 0) text += fmt::format("; {} received over SSH", output::HumanBytes(result.wire_bytes));
  text += ReconnectedText(result.reconnects) + ".\n";
  if (result.schema_changed) {
    text += result.schema_changes.empty()
                ? std::string("The schema has changed on the source.\n")
                : fmt::format("The schema has changed on the source: {}.\n", report::SchemaLine(result.schema_changes));
  }
  if (result.mask_changed) text += "The masking rules, or their secret, have changed.\n";
  if (!result.copied.empty()) {
    text +=
        fmt::format("Resynced ({}): {}.\n", output::Counted(result.copied_rows, "row", "rows"), Listed(result.copied));
  }
  if (result.mask_changed) {
    text +=
        "Earlier states keep the values that were stored then. To drop them: delete their snapshots, then\n"
        "rotv-sync baseline --force (gc always keeps the baseline).\n";
  }
  return text + CarriedText(result.carried_masks);
}

output::Json PullJson(const PullResult& result) {
  output::Json document;
  document["from"] = result.from.ToString();
  document["to"] = result.to.ToString();
  document["transactions"] = result.transactions;
  document["inserted"] = result.inserted;
  document["updated"] = result.updated;
  document["deleted"] = result.deleted;
  document["truncated"] = result.truncated;
  document["copied"] = result.copied;
  document["copied_rows"] = result.copied_rows;
  document["schema_changed"] = result.schema_changed;
  document["schema_changes"] = report::SchemaChangesJson(result.schema_changes);
  document["mask_changed"] = result.mask_changed;
  document["carried_masks"] = result.carried_masks;
  document["wire_bytes"] = result.wire_bytes;
  document["reconnects"] = result.reconnects;
  document["seconds"] = result.seconds;
  return document;
}

// Takes a new baseline in place of one that can no longer be brought up to date. Unlimited WAL on the source is
// allowed: the user decided about it when the old one was taken.
BaselineResult ReplaceBaseline(const Context& context, const Error& reason) {
  context.progress.Warn(fmt::format("{}: taking a new baseline", reason.what()));
  return TakeBaseline(context, {.replace = Replace::kAllow, .wal_limit = capture::WalLimit::kUnlimitedAllowed});
}

}  // namespace

Pulled Pull(const program::Session& session, const PullFlags& flags) {
  if (!session.context.source.remote.empty()) return PullFromRemote(session, flags);
  const std::string& name = session.context.source.name;
  Context context = session.context;
  context.retry = !flags.no_retry;
  std::optional<BaselineResult> baseline;
  if (!HasBaseline(context)) {
    session.progress.Say(fmt::format("there is no baseline of {} yet: taking it first", name));
    baseline = TakeMissingBaseline(context);
  }
  PullResult result;
  try {
    // A pull follows a new baseline too: a large one takes long, and the source has changed since.
    result = rotv::Pull(context);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kSlotLost || !flags.rebaseline) throw;
    baseline = ReplaceBaseline(context, error);
    result = rotv::Pull(context);
  }
  output::Json document = PullJson(result);
  document["baseline"] = baseline ? BaselineJson(*baseline) : output::Json();
  return {.text = (baseline ? BaselineText(*baseline, name) : "") + PullText(result, name),
          .document = std::move(document),
          .compaction_owed = result.compaction_owed};
}

output::Json PullAndPrint(const program::Session& session, const PullFlags& flags) {
  Pulled pulled = Pull(session, flags);
  session.output.Result(pulled.text, pulled.document);
  program::CompactAfterwards(session.context, pulled.compaction_owed);
  return std::move(pulled.document);
}

namespace {

int RunPull(const program::Session& session, const PullFlags& flags) {
  if (flags.all) return PullAll(session, flags);
  const SourceConfig& source = session.context.source;
  if (flags.follow && source.remote.empty()) {
    throw Error(ErrorCode::kUsage, fmt::format("{} follows a server, and pull --follow is for remotes", source.name),
                "rotv-sync log --follow pulls about once a second; rotv-sync schedule pulls now and then");
  }
  program::Hooks hooks(session.call, source.name);
  if (flags.follow) {
    KeepPulling(session, flags, hooks);
    return 0;
  }
  return hooks.Around([&] {
    hooks.AfterPull(PullAndPrint(session, flags));
    return 0;
  });
}

}  // namespace

program::SyncCommand DeclarePull(CLI::App& app) {
  app.description("Bring the store up to date with the source");
  app.footer(
      "Takes the baseline first if there is none. Whatever was received before an interruption is\n"
      "kept: the next pull continues from there. When the link breaks, the pull connects again and goes\n"
      "on, for about a minute (\"retries\" in rotv.toml). Programs that [hooks] of rotv.toml names run\n"
      "after it.\n\n"
      "Examples:\n"
      "  rotv-sync pull\n"
      "  rotv-sync pull --rebaseline        # for unattended schedules\n"
      "  rotv-sync pull --all               # every source of rotv.toml\n"
      "  rotv-sync -q pull && rotv-sync -q materialize");
  auto flags = std::make_shared<PullFlags>();
  app.add_flag("--rebaseline", flags->rebaseline,
               "Take a new baseline if the slot is lost or the source was replaced; the old one\n"
               "stays usable until the new one is complete. From a remote: take what is published,\n"
               "also if it is older than what is here");
  CLI::Option* follow =
      app.add_flag("--follow", flags->follow, "From a remote: go on, and pull whenever something new is published");
  app.add_option("--interval", flags->interval_s, "With --follow: seconds between two looks (default: 5)")
      ->type_name("SECONDS")
      ->check(CLI::Range(1, 86400))
      ->needs(follow);
  app.add_flag("--all", flags->all,
               "Every source, one after the other; the exit code is that of the first one that failed")
      ->excludes(follow);
  AddNoRetry(app, &flags->no_retry);
  return {.run = [flags](const program::Session& session) { return RunPull(session, *flags); },
          .takes_stdout = nullptr,
          .all_sources = [flags] { return flags->all; }};
}

}  // namespace rotv
