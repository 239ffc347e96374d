// The messages that a store keeps: a chunk of the change log is read whole or is damage; the transitions of a state
// keep their promises for any manifest, or refuse it.

#include <set>
#include <string>
#include <string_view>

#include "proto/store.pb.h"
#include "storage/change_log.h"
#include "storage/compress.h"
#include "storage/epochs.h"
#include "storage/parse_message.h"
#include "storage/retention.h"
#include "storage/store_state.h"
#include "tests/fuzz/fuzz_check.h"
#include "tests/fuzz/fuzz_target.h"

namespace rotv {
namespace {

void CheckChunk(std::string_view bytes) {
  AcceptedOr(ErrorCode::kCorrupt, [&] { (void)DecodeLogChunk(bytes); });
  AcceptedOr(ErrorCode::kCorrupt, [&] {
    const proto::LogChunk chunk = DecodeLogChunk(ZstdCompress(bytes));
    FuzzCheck(DecodeLogChunk(ZstdCompress(chunk.SerializeAsString())).transactions_size() == chunk.transactions_size());
  });
  FuzzCheck(ZstdDecompress(ZstdCompress(bytes)) == bytes);
}

// The transitions of a state either refuse what a manifest says, or keep their promises.
void CheckManifest(std::string_view bytes) {
  proto::Manifest manifest;
  if (!ParseMessage(bytes, &manifest)) return;
  StoreState state = StoreState::FromStored(manifest);
  FuzzCheck(state.manifest().SerializeAsString() == manifest.SerializeAsString());
  const Lsn head = state.head_lsn();
  for (const auto& [table, epoch] : EpochsAt(manifest, head)) (void)epoch;
  std::set<TableId> tables;
  for (const proto::TableHistory& history : manifest.tables()) tables.insert(history.table());
  AcceptedOr(ErrorCode::kBug, [&] {
    state.BeginPull();
    state.Advance(head);
    for (const TableId table : tables) FuzzCheck(state.Truncate(table, head) == state.CurrentEpoch(table));
    state.EndIncrementalPull({});
    FuzzCheck(state.head_lsn() == state.durable_lsn() && state.durable_lsn() == head);
  });
  StoreState other = StoreState::FromStored(manifest);
  AcceptedOr(ErrorCode::kBug, [&] {
    other.BeginCollection(Retention({head}, head), tables, head, 0);
    other.EndCollection(1);
    FuzzCheck(other.manifest().dropping().empty() && !other.manifest().collecting());
    // The head can be read as before.
    if (tables.size() == static_cast<size_t>(manifest.tables_size()) && head > Lsn()) {
      for (const auto& [table, epoch] : EpochsAt(other.manifest(), head)) FuzzCheck(tables.count(table) != 0);
    }
  });
}

void CheckMessages(std::string_view bytes) {
  CheckChunk(bytes);
  CheckManifest(bytes);
}

}  // namespace
}  // namespace rotv

ROTV_FUZZ_TARGET(stored_messages, rotv::CheckMessages)
