#include "sync/compact.h"

#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <optional>

#include "os/clock.h"
#include "os/idle_priority.h"
#include "storage/error.h"
#include "storage/give_way.h"
#include "storage/row_store.h"
#include "storage/source_lock.h"
#include "sync/context/open_workspace.h"

namespace rotv {
namespace {

CompactResult CompactIn(const Workspace& workspace) {
  const auto start = std::chrono::steady_clock::now();
  const std::unique_ptr<RowStore> store = RowStore::Open(workspace.CurrentStorePath(), RowStore::Mode::kReadWrite);
  CompactResult result{.begun = true, .bytes_before = store->DiskBytes()};
  const size_t files = store->DataFiles().size();
  if (store->compaction_owed() != CompactionOwed::kNothing) store->Compact();
  result.merged = store->DataFiles().size() < files;  // Not where the disk has no room.
  result.bytes_after = store->DiskBytes();
  result.seconds = os::SecondsSince(start);
  return result;
}

}  // namespace

CompactResult Compact(const Context& context, Manner manner) {
  // Opening the workspace of a mistyped name would make its directory.
  if (!HasBaseline(context.home, context.source.name)) {
    throw Error(ErrorCode::kUsage, fmt::format("nothing is stored of a source {}", context.source.name),
                "rotv-sync source list names the sources");
  }
  if (manner == Manner::kNow) return CompactIn(OpenWorkspace(context, "compact", context.source.name));
  try {
    const Workspace workspace(context.home, context.source.name, std::string(kGivingWay) + "compact");
    // Its thread is started at the usual priority, so that it ends this process soon.
    const GiveWay give_way(workspace.directory());
    os::BecomeIdle();
    return CompactIn(workspace);
  } catch (const SourceInUse&) {
    return {};
  }
}

void CompactIfMuchIsOwed(RowStore& store) {
  if (store.compaction_owed() == CompactionOwed::kMuch) store.Compact();
}

}  // namespace rotv
