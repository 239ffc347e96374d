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

OlderHead OlderOf(const PullFlags& flags) { return flags.rebaseline ? OlderHead::kTake : OlderHead::kRefuse; }

}  // namespace

Pulled PullFromRemote(const program::Session& session, const PullFlags& flags) {
  Context context = session.context;
  context.retry = !flags.no_retry;
  const FollowResult result = program::PullFromRemote(context, OlderOf(flags));
  return {.text = program::PulledText(result, context.source.name, program::Detail::kResult),
          .document = FollowJson(result)};
}

void KeepPulling(const program::Session& session, const PullFlags& flags, program::Hooks& hooks) {
  Context context = session.context;
  context.retry = !flags.no_retry;
  const bool json = session.output.form() == output::Output::Form::kJson;
  const auto took = [&](const FollowResult& result) {
    program::CompactAfterwards(context, result.compaction_owed);
    const output::Json document = FollowJson(result);
    const bool goes_on =
        session.output.Part(json ? output::CompactJson(document) + "\n"
                                 : program::PulledText(result, context.source.name, program::Detail::kResult));
    hooks.AfterPull(document);
    hooks.Done();
    return goes_on;
  };
  hooks.TellFailure([&] {
    KeepFollowing(context, {.older = OlderOf(flags), .interval_s = flags.interval_s, .took = took});
    return 0;
  });
}

}  // namespace rotv
