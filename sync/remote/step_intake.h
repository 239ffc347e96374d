// Takes the steps of a published history into a store, with several threads: unpacking, checking and compressing cost
// more than all else that a follower does.

#pragma once

#include <cstdint>
#include <string>

#include "storage/row_store.h"
#include "sync/context/progress.h"
#include "sync/remote/object_fetch.h"
#include "sync/remote/step_path.h"
#include "sync/remote/step_reader.h"
#include "sync/remote/team_key.h"

namespace rotv::remote {

struct StepIntakeRequest {
  const Steps& steps;
  ObjectFetch& fetch;  // Of their objects, in their order.
  RowStore& store;
  StepReader& reader;  // Of the store.
  std::string place;   // For messages.
  const TeamKey* key = nullptr;
  size_t threads = 0;  // 0: as many as what is taken is worth.
};

// Returns the number of rows' versions once all of them are written; `progress` is of the bytes that were taken. Throws
// what StepReader, RowIntake and ObjectFetch throw; then some of the rows are written.
uint64_t TakeSteps(const StepIntakeRequest& request, Progress& progress);

}  // namespace rotv::remote
