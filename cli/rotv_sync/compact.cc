#include "sync/compact.h"

#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "cli/config/config.h"
#include "cli/config/home.h"
#include "cli/output/format.h"
#include "cli/rotv_sync/command.h"

namespace rotv {
namespace {

int RunCompact(const program::Invocation& call, Manner manner) {
  config::OpenHome(call.home, config::HomeUse::kWrite);
  // The name is all that is needed of a source: the config may be another one, or gone.
  SourceConfig source;
  source.name = call.options.source.empty() ? call.config.Source().name : call.options.source;
  const CompactResult result = Compact({source, call.home, call.progress, call.interrupt}, manner);
  const std::string text =
      result.merged  ? fmt::format("Merged files of the store in {}: it takes {} (before: {}).\n",
                                   output::HumanDuration(result.seconds), output::HumanBytes(result.bytes_after),
                                   output::HumanBytes(result.bytes_before))
      : result.begun ? std::string("There is nothing to merge.\n")
                     : std::string("Another command is at work on the source: nothing was merged.\n");
  call.output.Result(text, output::Json{{"begun", result.begun},
                                        {"merged", result.merged},
                                        {"bytes_before", result.bytes_before},
                                        {"bytes_after", result.bytes_after},
                                        {"seconds", result.seconds}});
  return 0;
}

}  // namespace

program::Command DeclareCompact(CLI::App& app) {
  app.description("Merge the files that pulls have added to the store");
  app.footer(
      "Pulls start this by themselves, with --idle, once many files have come together: no command\n"
      "waits for it, and everything can be read meanwhile.\n\n"
      "Examples:\n"
      "  rotv-sync compact\n"
      "  rotv-sync compact --idle           # gives way to every other command");
  auto manner = std::make_shared<Manner>(Manner::kNow);
  app.add_flag_callback(
      "--idle", [manner] { *manner = Manner::kIdle; },
      "Give way to everything else that runs here, and end as soon as another command wants\n"
      "the source; a later one goes on");
  return {[manner](const program::Invocation& call) { return RunCompact(call, *manner); }, nullptr};
}

}  // namespace rotv
