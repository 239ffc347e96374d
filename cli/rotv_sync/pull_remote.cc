// The pull of a source that follows a remote.

#include <nlohmann/json.hpp>

#include "cli/output/format.h"
#include "cli/program/compact_afterwards.h"
#include "cli/program/pull_from_remote.h"
#include "cli/rotv_sync/command.h"
#include "sync/keep_following.h"

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
  const OlderHead older = flags.rebaseline ? OlderHead::kTake : OlderHead::kRefuse;
  const std::string& name = session.context.source.name;
  if (!flags.follow) {
    const FollowResult result = program::PullFromRemote(context, older);
    session.output.Result(program::PulledText(result, name, program::Detail::kResult), FollowJson(result));
    return 0;
  }
  const bool json = session.output.form() == output::Output::Form::kJson;
  KeepFollowing(context,
                {.older = older, .interval_s = flags.interval_s, .took = [&](const FollowResult& result) {
                   program::CompactAfterwards(context, result.compaction_owed);
                   return session.output.Part(json ? output::CompactJson(FollowJson(result)) + "\n"
                                                   : program::PulledText(result, name, program::Detail::kResult));
                 }});
  return 0;
}

}  // namespace rotv
