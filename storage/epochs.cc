#include "storage/epochs.h"

#include <fmt/format.h>

#include "storage/error.h"

namespace rotv {

std::map<TableId, EpochNumber> EpochsAt(const proto::Manifest& manifest, Lsn lsn) {
  std::map<TableId, EpochNumber> epochs;
  for (const proto::TableHistory& history : manifest.tables()) {
    for (const proto::Epoch& epoch : history.epochs()) {
      if (Lsn(epoch.start_lsn()) >= lsn) continue;
      if (epoch.damaged()) {
        epochs.erase(history.table());
      } else {
        epochs[history.table()] = epoch.number();
      }
    }
  }
  return epochs;
}

EpochNumber EpochOf(const std::map<TableId, EpochNumber>& epochs, const proto::Table& table, Lsn lsn) {
  const auto found = epochs.find(table.id());
  if (found != epochs.end()) return found->second;
  throw Error(ErrorCode::kCorrupt,
              fmt::format("the store does not have the rows of {} at {}", table.quoted_name(), lsn.ToString()),
              "they were damaged: rotv-sync check says which states are left, rotv-sync pull makes a new one");
}

proto::TableHistory& HistoryOf(proto::Manifest& manifest, TableId table) {
  for (proto::TableHistory& history : *manifest.mutable_tables()) {
    if (history.table() == table) return history;
  }
  proto::TableHistory* added = manifest.add_tables();
  added->set_table(table);
  return *added;
}

EpochNumber BeginEpoch(proto::TableHistory& history, Lsn start_lsn) {
  history.set_last_number(history.last_number() + 1);
  proto::Epoch* epoch = history.add_epochs();
  epoch->set_number(history.last_number());
  epoch->set_start_lsn(start_lsn.value());
  return epoch->number();
}

}  // namespace rotv
