#include "sync/detach.h"

#include <fmt/format.h>

#include <memory>
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
    text += fmt::format(
        "{} in {} was created by this machine and user, but no record here has it. If no other home uses it:\n  {}\n",
        output::OneLine(found.what), output::OneLine(found.where), output::OneLine(found.sql));
  }
  return text.empty() ? fmt::format("{} has no slot and no publication of ours.\n", source) : text;
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
  document["former_primary"] = result.former_primary;
  return document;
}

int RunDetach(const program::Session& session, bool no_retry) {
  Context context = session.context;
  context.retry = !no_retry;
  const DetachResult result = Detach(context);
  if (schedule::ReadJob(session.context.home, session.context.source.name)) {
    session.progress.Warn(
        "the schedule will fail until there is a new baseline; to remove it: rotv-sync schedule remove");
  }
  if (!result.former_primary.empty()) session.progress.Warn(result.former_primary);
  session.output.Result(DetachText(result, session.context.source.name), DetachJson(result));
  return result.left.empty() ? 0 : static_cast<int>(result.left.front().code);
}

}  // namespace

program::SyncCommand DeclareDetach(CLI::App& app) {
  app.description("Remove our slots and publications from the source");
  app.footer(
      "Removes them where they were created, also in a database or on a server that rotv.toml no longer\n"
      "names. Whatever cannot be removed is listed with the SQL that does it, and the exit code is not 0.\n"
      "The store stays usable: seeds can still be written from it. To follow the source again, take a new\n"
      "baseline.\n\n"
      "Examples:\n"
      "  rotv-sync detach");
  auto no_retry = std::make_shared<bool>(false);
  AddNoRetry(app, no_retry.get());
  return {[no_retry](const program::Session& session) { return RunDetach(session, *no_retry); }, nullptr, true};
}

}  // namespace rotv
