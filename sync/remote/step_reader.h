// Takes the segments of a published history into a store, all but their rows, which RowIntake takes. Nothing in them is
// trusted: they are checked like what a source sends.

#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "proto/remote.pb.h"
#include "storage/interrupt.h"
#include "storage/row_store.h"
#include "sync/remote/row_intake.h"
#include "sync/remote/unpacked_segment.h"

namespace rotv::remote {

class StepReader {
 public:
  // `store` has the state before the steps, published, with its pull begun; or, if it is new, a StoreState::OfRemote().
  // `head` is what the steps lead to. All outlive the reader.
  enum class Into { kNewStore, kFormerState };
  StepReader(RowStore& store, const proto::RemoteHead& head, Into into, const Interrupt& interrupt);

  // Says that the segments of this step come next. Steps come in order; one may begin before the end of the one before,
  // or of what the store has: what is there already is passed over. The step outlives its segments.
  void Begin(const proto::RemoteStep& step);
  // Writes what a segment has besides rows, and returns what those are held against; a RowIntake may take them any time
  // from then on, in another thread too. Segments come in the order of the step's objects. Throws kCorrupt if it has
  // what no publisher writes, kDisk.
  RowBounds Take(const UnpackedSegment& segment);

  // Makes all of it visible: `state` is what the store has from now on. All rows must have been written. Throws
  // kCorrupt if something is missing.
  void Finish(const StoreState& state);

  const EpochStarts& epochs() const { return listed_; }

 private:
  void TakeShapes(const proto::Segment& segment);
  void TakeSchemas(const proto::Segment& segment);
  void TakeTransactions(const proto::Segment& segment);
  // True if what begins at a head is not there yet. Throws kCorrupt, saying `what`, if it is none of the step's.
  bool IsNew(Lsn lsn, const char* what) const;
  void CloseChunk();

  RowStore& store_;
  const proto::RemoteHead& head_;
  const Interrupt& interrupt_;
  const proto::RemoteStep* step_ = nullptr;
  Lsn from_;         // Versions and transactions before it are there already; so are schemas
  Lsn former_head_;  // before this.
  EpochStarts listed_;
  RowStore::Addition addition_;
  std::vector<proto::SchemaVersion> schemas_;       // Those of the addition.
  std::shared_ptr<const check::EntryCheck> check_;  // Made when rows come after schemas.
  proto::LogChunk chunk_;
  size_t chunk_bytes_ = 0;
  std::vector<std::pair<std::string, std::string>> chunks_;
  Lsn last_transaction_;
  Lsn last_in_chunk_;         // The last transaction of the chunk that was closed last,
  Lsn last_chunk_;            // the LSN in its key,
  uint32_t last_number_ = 0;  // and the number in it.
};

}  // namespace rotv::remote
