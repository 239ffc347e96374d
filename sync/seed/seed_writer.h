// Writes the text of a seed: schema, rows and sequences in the order and form in which pg_dump writes them.

#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "proto/store.pb.h"
#include "storage/interrupt.h"
#include "storage/row_store.h"
#include "sync/context/progress.h"
#include "sync/subset/chosen_rows.h"

namespace rotv::seed {

struct SeedCounts {
  uint64_t tables = 0;
  uint64_t rows = 0;
  uint64_t bytes = 0;
};

struct SeedForm {
  // With a key, psql runs no meta-command that is in the text (NewRestrictKey()). Without one, two seeds of one state
  // are the same bytes. It is asked for once, while rows are read already.
  std::function<std::string()> restrict_key = [] { return std::string(); };
  bool clean = true;  // The seed begins with the statements that remove an older import (sync/formats/clean_part.h).
  const proto::SchemaVersion* schema = nullptr;  // In place of the stored one, with the same tables and other texts.
  const subset::ChosenRows* rows = nullptr;      // Only these rows; chosen of the same store at the same LSN.
};

// Passes the seed of `store` at `lsn` to `write`, in pieces of about a megabyte, in order, on the calling thread. Other
// threads read rows ahead. Throws kCorrupt if psql would read something other than SQL in the schema.
SeedCounts WriteSeed(const RowStore& store, Lsn lsn, const std::function<void(std::string_view)>& write,
                     Progress& progress, const Interrupt& interrupt, const SeedForm& form = {});

// Returns pg_dump's line for one sequence. `standard_strings` is the source's standard_conforming_strings.
std::string SetvalStatement(const proto::Sequence& sequence, const proto::SequenceValue& value, bool standard_strings);

}  // namespace rotv::seed
