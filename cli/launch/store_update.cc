#include "cli/launch/store_update.h"

#include <fmt/format.h>

#include <optional>

#include "cli/output/format.h"
#include "cli/program/compact_afterwards.h"
#include "cli/program/pull_from_remote.h"
#include "sync/baseline.h"
#include "sync/pull.h"

namespace rotv::launch {
namespace {

// Each returns the line for people.
std::string PulledFromRemote(const Context& context) {
  return program::PulledText(program::PullFromRemote(context, OlderHead::kRefuse), context.source.name,
                             program::Detail::kLine);
}

std::string PulledFromServer(const Context& context) {
  const PullResult pulled = Pull(context);
  program::CompactAfterwards(context, pulled.compaction_owed);
  if (pulled.from == pulled.to) {
    return fmt::format("pulled from {}: nothing new since {}", context.source.name, pulled.to.ToString());
  }
  return fmt::format("pulled from {}: {} up to {}", context.source.name,
                     output::Counted(pulled.transactions, "transaction", "transactions"), pulled.to.ToString());
}

}  // namespace

bool IsTheSources(const Error& error) {
  return error.code() == ErrorCode::kUnreachable || error.code() == ErrorCode::kRefused ||
         error.code() == ErrorCode::kSlotLost;
}

void TakeFirst(const Context& context) {
  if (!context.source.remote.empty()) return context.progress.Say(PulledFromRemote(context));
  const std::optional<BaselineResult> taken = TakeMissingBaseline(context);
  if (!taken) return;
  context.progress.Say(
      fmt::format("took the baseline of {}: {} at {}; a replication slot there keeps what comes "
                  "next, and rotv-sync detach removes it",
                  context.source.name, output::Counted(taken->rows, "row", "rows"), taken->lsn.ToString()));
}

void PullIntoStore(const Context& context) {
  try {
    context.progress.Say(context.source.remote.empty() ? PulledFromServer(context) : PulledFromRemote(context));
  } catch (const Error& error) {
    if (!IsTheSources(error)) throw;
    context.progress.Warn(fmt::format("the data was not brought up to date: {} ({})", error.what(), error.hint()));
  }
}

}  // namespace rotv::launch
