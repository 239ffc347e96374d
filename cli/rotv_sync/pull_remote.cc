// The pull of a source that follows a remote.

#include <nlohmann/json.hpp>

#include "cli/output/format.h"
#include "cli/program/pull_from_remote.h"
#include "cli/rotv_sync/command.h"

namespace rotv {
namespace {

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
                      {"resumed_bytes", result.resumed_bytes},
                      {"seconds", result.seconds}};
}

}  // namespace

int RunPullFromRemote(const program::Session& session, const PullFlags& flags) {
  Context context = session.context;
  context.retry = !flags.no_retry;
  const FollowResult result =
      program::PullFromRemote(context, flags.rebaseline ? OlderHead::kTake : OlderHead::kRefuse);
  session.output.Result(program::PulledText(result, session.context.source.name, program::Detail::kResult),
                        FollowJson(result));
  return 0;
}

}  // namespace rotv
