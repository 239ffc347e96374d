// Packs what a store has, or what it has got since it was last published, into segments.

#pragma once

#include <cstdint>
#include <functional>

#include "proto/remote.pb.h"
#include "storage/interrupt.h"
#include "storage/row_store.h"
#include "sync/context/progress.h"
#include "sync/remote/segment_object.h"

namespace rotv::remote {

struct StepRequest {
  const RowStore& store;
  // The publication whose state others have already; null: they have nothing.
  const proto::RemoteMark* since = nullptr;
  const TeamKey* key = nullptr;  // With which objects are sealed; null: they are not.
  // False if there may be no object of this name: then its content gets another one.
  std::function<bool(const proto::RemoteObject&)> may_be_named = [](const auto&) { return true; };
  // Takes each object once it is packed, in order.
  std::function<void(PackedSegment)> take;
};

struct StepCounts {
  uint64_t versions = 0;
  uint64_t transactions = 0;
};

// Reads the published state of the store. Memory is bounded by two segments and the largest row. May throw what `take`
// throws, and kInterrupted.
StepCounts WriteStep(const StepRequest& request, Progress& progress, const Interrupt& interrupt);

// The hash of the schema that a store has at its head, for RemoteHead.last_schema.
std::string LastSchemaHash(const RowStore& store);

}  // namespace rotv::remote
