// Compares what a store reads with what its model says.

#pragma once

#include <cstdint>
#include <string>

#include "storage/row_store.h"
#include "tests/storage/store_model.h"

namespace rotv::testing {

// The text of the schema that is in force from this LSN on.
std::string SchemaText(uint64_t lsn);

// What a manifest says of a state, without what differs from one publication of it to the next.
std::string ContentOf(proto::Manifest manifest);

// Each method throws Mismatch.
class StoreCheck {
 public:
  StoreCheck(const RowStore& store, const StoreModel& model) : store_(store), model_(model) {}

  // Reads a few of the states, and one way into each table; `choice` says which.
  void Some(uint32_t choice);
  // Reads every state that is retained, and the whole change log.
  void All();
  // Asks for the newest version of each row, where all that was changed is written. Published or not makes no
  // difference.
  void Newest(TableId table, EpochNumber epoch);
  // No version is at or after the durable LSN, and the versions of a row come newest first.
  void NothingUnpublished();

 private:
  void State(uint64_t lsn, uint32_t choice);
  void Table(TableId table, EpochNumber epoch, uint64_t lsn, uint32_t shape, uint32_t choice);
  void Find(TableId table, EpochNumber epoch, uint64_t lsn, uint32_t choice);
  void Log(uint64_t from);

  const RowStore& store_;
  const StoreModel& model_;
};

}  // namespace rotv::testing
