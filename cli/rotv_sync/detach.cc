#include "sync/detach.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cli/rotv_sync/command.h"
#include "cli/schedule/job.h"

namespace rotv {
namespace {

std::string DetachText(const DetachResult& result, const std::string& source) {
  std::string text;
  for (const std::string& removed : result.removed) text += fmt::format("Removed {}.\n", output::OneLine(removed));
  for (const postgres::Leftover& left : result.left) {
    text += fmt::format("Left {} in {}: {}.\n  {}\n", output::OneLine(left.what), output::OneLine(left.where),
                        output::OneLine(left.why), output::OneLine(left.sql));
  }
  for (const postgres::FoundObject& found : result.unrecorded) {
    text +=
        fmt::format("No record here has {} in {}, which this machine and user made. If no other home uses it:\n  {}\n",
                    output::OneLine(found.what), output::OneLine(found.where), output::OneLine(found.sql));
  }
  return text.empty() ? fmt::format("Nothing of ours is on {}.\n", source) : text;
}

output::Json DetachJson(const DetachResult& result) {
  output::Json document;
  document["removed"] = result.removed;
  document["left"] = output::Json::array();
  for (const postgres::Leftover& left : result.left) {
    document["left"].push_back({{"what", left.what}, {"where", left.where}, {"why", left.why}, {"sql", left.sql}});
  }
  document["unrecorded"] = output::Json::array();
  for (const postgres::FoundObject& found : result.unrecorded) {
    document["unrecorded"].push_back({{"what", found.what}, {"where", found.where}, {"sql", found.sql}});
  }
  return document;
}

int RunDetach(const program::Session& session) {
  const DetachResult result = Detach(session.context);
  if (schedule::ReadJob(session.context.home, session.context.source.name)) {
    session.progress.Warn("a schedule goes on pulling, and cannot without a new baseline: rotv-sync schedule remove");
  }
  session.output.Result(DetachText(result, session.context.source.name), DetachJson(result));
  return result.left.empty() ? 0 : static_cast<int>(result.left.front().code);
}

}  // namespace

program::SyncCommand DeclareDetach(CLI::App& app) {
  app.description("Remove everything of ours from the source");
  app.footer(
      "Slots and publications go where they were made: also in a database, or on a server, that rotv.toml\n"
      "no longer names. What cannot be removed is told with its SQL, and the exit code is not 0.\n"
      "What is stored stays usable: seeds can still be made of it. To follow the source again, take\n"
      "a new baseline.\n\n"
      "Examples:\n"
      "  rotv-sync detach");
  return {RunDetach, nullptr, true};
}

}  // namespace rotv
