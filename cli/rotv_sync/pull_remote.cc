// The pull of a source that follows a remote.

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cli/output/format.h"
#include "cli/program/compact_afterwards.h"
#include "cli/rotv_sync/command.h"
#include "sync/follow_remote.h"

namespace rotv {
namespace {

std::string FollowText(const FollowResult& result, const std::string& name) {
  if (result.up_to_date) {
    return fmt::format("{} is up to date with {} at {} ({}).\n", name, result.place, result.to.ToString(),
                       output::HumanDuration(result.seconds));
  }
  if (result.whole) {
    return fmt::format("Took {} from {} at {} ({}): {}, {} in {}.\n", name, result.place, result.to.ToString(),
                       output::HumanTime(result.time_us),
                       output::Counted(result.versions, "row and version", "rows and versions"),
                       output::HumanBytes(result.bytes), output::HumanDuration(result.seconds));
  }
  return fmt::format(
      "Pulled {} from {}, {} to {}: {} ({} inserted, {} updated, {} deleted), {} in {}.\n", name, result.place,
      result.from.ToString(), result.to.ToString(), output::Counted(result.transactions, "transaction", "transactions"),
      output::HumanCount(result.inserted), output::HumanCount(result.updated), output::HumanCount(result.deleted),
      output::HumanBytes(result.bytes), output::HumanDuration(result.seconds));
}

output::Json FollowJson(const FollowResult& result) {
  return output::Json{{"from", result.whole ? output::Json() : output::Json(result.from.ToString())},
                      {"to", result.to.ToString()},
                      {"time", output::IsoTime(result.time_us)},
                      {"place", result.place},
                      {"published_as", result.source},
                      {"publisher", result.publisher},
                      {"up_to_date", result.up_to_date},
                      {"whole", result.whole},
                      {"transactions", result.transactions},
                      {"inserted", result.inserted},
                      {"updated", result.updated},
                      {"deleted", result.deleted},
                      {"bytes", result.bytes},
                      {"seconds", result.seconds}};
}

}  // namespace

int RunPullFromRemote(const program::Session& session, const PullFlags& flags) {
  Context context = session.context;
  context.retry = !flags.no_retry;
  const FollowResult result = FollowRemote(context, flags.rebaseline ? OlderHead::kTake : OlderHead::kRefuse);
  program::CompactAfterwards(session.context, result.compaction_owed);
  session.output.Result(FollowText(result, session.context.source.name), FollowJson(result));
  return 0;
}

}  // namespace rotv
