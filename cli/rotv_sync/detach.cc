#include "sync/detach.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cli/rotv_sync/command.h"
#include "cli/schedule/job.h"

namespace rotv {
namespace {

int RunDetach(const Session& session) {
  DetachResult result = Detach(session.context);
  std::string text;
  for (const std::string& removed : result.removed) text += fmt::format("Removed {}.\n", OneLine(removed));
  if (text.empty()) text = fmt::format("Nothing of ours is on {}.\n", session.context.source.name);
  if (ReadJob(session.context.home, session.context.source.name)) {
    session.progress.Warn("a schedule goes on pulling, and cannot without a new baseline: rotv-sync schedule remove");
  }
  Json document;
  document["removed"] = result.removed;
  session.output.Result(text, document);
  return 0;
}

}  // namespace

SyncCommand DeclareDetach(CLI::App& app) {
  app.description("Remove slot and publication from the source");
  app.footer(
      "What is stored stays usable: seeds can still be made of it. To follow the source again, take\n"
      "a new baseline.\n\n"
      "Examples:\n"
      "  rotv-sync detach");
  return {RunDetach, nullptr};
}

}  // namespace rotv
