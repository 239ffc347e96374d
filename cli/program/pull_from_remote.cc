#include "cli/program/pull_from_remote.h"

#include <fmt/format.h>

#include "cli/output/format.h"
#include "cli/program/compact_afterwards.h"

namespace rotv::program {
namespace {

std::string ShortText(const FollowResult& result, const std::string& name) {
  if (result.up_to_date) {
    return fmt::format("{} is up to date with {} at {}", name, result.place, result.to.ToString());
  }
  if (result.whole) return fmt::format("took {} from {} at {}", name, result.place, result.to.ToString());
  return fmt::format("pulled {} from {}, {} to {}: {}", name, result.place, result.from.ToString(),
                     result.to.ToString(), output::Counted(result.transactions, "transaction", "transactions"));
}

// What ShortText() leaves out.
std::string MoreText(const FollowResult& result) {
  const std::string duration = output::HumanDuration(result.seconds);
  if (result.up_to_date) return fmt::format(" ({})", duration);
  std::string bytes = output::HumanBytes(result.bytes);
  if (result.resumed_bytes > 0) {
    bytes += fmt::format(" (and {} that a run before had read)", output::HumanBytes(result.resumed_bytes));
  }
  if (result.whole) {
    return fmt::format(" ({}): {}, {} in {}", output::HumanTime(result.time_us),
                       output::Counted(result.versions, "row and version", "rows and versions"), bytes, duration);
  }
  return fmt::format(" ({} inserted, {} updated, {} deleted), {} in {}", output::HumanCount(result.inserted),
                     output::HumanCount(result.updated), output::HumanCount(result.deleted), bytes, duration);
}

}  // namespace

FollowResult PullFromRemote(const Context& context, OlderHead older) {
  const FollowResult result = FollowRemote(context, older);
  CompactAfterwards(context, result.compaction_owed);
  return result;
}

std::string PulledText(const FollowResult& result, const std::string& source_name, Detail detail) {
  std::string text = ShortText(result, source_name);
  if (detail == Detail::kLine) return text;
  if (!result.up_to_date) text.front() = result.whole ? 'T' : 'P';
  return text + MoreText(result) + ".\n";
}

}  // namespace rotv::program
