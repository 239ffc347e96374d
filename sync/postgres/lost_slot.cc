#include "sync/postgres/lost_slot.h"

#include <fmt/format.h>

namespace rotv::postgres {

std::string LostSlotText(const std::string& slot, std::string_view reason) {
  if (reason.empty() || reason == "wal_removed") {
    return fmt::format("the source has removed WAL that replication slot {} needed (max_slot_wal_keep_size)", slot);
  }
  if (reason == "rows_removed") {
    return fmt::format("the source has removed rows of its catalogue that replication slot {} needed", slot);
  }
  if (reason == "wal_level_insufficient") {
    return fmt::format("replication slot {} was invalidated: wal_level was lowered below logical", slot);
  }
  if (reason == "idle_timeout") {
    return fmt::format(
        "replication slot {} was invalidated: it was unused for longer than the source's "
        "idle_replication_slot_timeout",
        slot);
  }
  if (reason == "conflicting") {
    return fmt::format(
        "replication slot {} was invalidated while the source was a standby: its primary had removed rows of the "
        "catalogue, or lowered wal_level below logical",
        slot);
  }
  return fmt::format("replication slot {} was invalidated on the source: {}", slot, reason);
}

}  // namespace rotv::postgres
