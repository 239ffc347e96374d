#include "sync/gc.h"

#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "cli/output/format.h"
#include "cli/rotv_sync/command.h"

namespace rotv {
namespace {

int RunGc(const program::Session& session, int keep_days) {
  GcResult result =
      CollectGarbage(session.context, keep_days < 0 ? session.context.source.history.keep_days : keep_days);
  std::string text = fmt::format(
      "The store takes {} (before: {}): dropped {} of {} and {} in {}.\n"
      "Every state from {} ({}) on is kept, and so are the baseline and the snapshots.\n",
      output::HumanBytes(result.bytes_after), output::HumanBytes(result.bytes_before),
      output::HumanCount(result.counts.dropped), output::Counted(result.counts.versions, "version", "versions"),
      output::Counted(result.counts.epochs, "old epoch", "old epochs"), output::HumanDuration(result.seconds),
      result.kept_from.ToString(), output::HumanTime(result.kept_from_time_us));
  output::Json document{{"bytes_before", result.bytes_before},
                        {"bytes_after", result.bytes_after},
                        {"versions", result.counts.versions},
                        {"dropped", result.counts.dropped},
                        {"dropped_epochs", result.counts.epochs},
                        {"kept_from", output::Json{{"lsn", result.kept_from.ToString()},
                                                   {"time", output::IsoTime(result.kept_from_time_us)}}},
                        {"seconds", result.seconds}};
  session.output.Result(text, document);
  return 0;
}

}  // namespace

program::SyncCommand DeclareGc(CLI::App& app) {
  app.description("Drop history that no snapshot and no kept day needs");
  app.footer(
      "The head, the baseline, every snapshot and every state of the last days are kept. A pull runs gc\n"
      "by itself when the history has grown large ([history] in rotv.toml).\n\n"
      "Examples:\n"
      "  rotv-sync gc\n"
      "  rotv-sync gc --keep-days 0         # snapshots, baseline and head only");
  auto keep_days = std::make_shared<int>(-1);
  app.add_option("--keep-days", *keep_days, "Days before the head whose history is kept (default: the config's, or 7)")
      ->type_name("N")
      ->check(CLI::Range(0, 100000));
  return {[keep_days](const program::Session& session) { return RunGc(session, *keep_days); }, nullptr};
}

}  // namespace rotv
