#include "storage/epochs.h"

namespace rotv {

std::map<TableId, EpochNumber> EpochsAt(const proto::Manifest& manifest, Lsn lsn) {
  std::map<TableId, EpochNumber> epochs;
  for (const proto::TableHistory& history : manifest.tables()) {
    for (const proto::Epoch& epoch : history.epochs()) {
      if (Lsn(epoch.start_lsn()) < lsn) epochs[history.table()] = epoch.number();
    }
  }
  return epochs;
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
