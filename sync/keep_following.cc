#include "sync/keep_following.h"

#include <fmt/format.h>

#include <chrono>

#include "storage/error.h"
#include "sync/context/pause.h"

namespace rotv {
namespace {

constexpr std::chrono::seconds kBetweenLooksAtRemote{5};

}  // namespace

void KeepFollowing(const Context& context, const KeepFollowingRequest& request) {
  const std::chrono::seconds between =
      request.interval_s > 0 ? std::chrono::seconds(request.interval_s) : kBetweenLooksAtRemote;
  OlderHead older = request.older;
  RemoteWatch watch(context);
  bool has_taken = false, is_away = false;
  while (true) {
    try {
      if (watch.IsNew()) {
        const FollowResult result = FollowRemote(context, older);
        older = OlderHead::kRefuse;  // What was taken on purpose is no reason to take anything that is older still.
        has_taken = true;
        if (!request.took(result)) return;
      }
      watch.Took();
      is_away = false;
    } catch (const Error& error) {
      const bool is_waited_for = (error.code() == ErrorCode::kInUse && has_taken) ||
                                 (error.code() == ErrorCode::kUnreachable && context.retry);
      if (!is_waited_for) throw;
      if (error.code() == ErrorCode::kUnreachable) {
        if (!is_away) context.progress.Warn(fmt::format("{}: asking again until it answers", error.what()));
        is_away = true;
      }
    }
    Pause(between, context.interrupt);
  }
}

}  // namespace rotv
