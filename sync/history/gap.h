// Says why the states between two pulls cannot be had, and which of them can with tables of an older state.

#pragma once

#include <string>
#include <vector>

#include "storage/row_store.h"

namespace rotv::history {

// The gap that `lsn` is in; null if there is none. It belongs to the store's manifest.
const proto::Gap* GapAt(const RowStore& store, Lsn lsn);

// A table that changed in a gap and whose changes are not streamed.
struct UnstreamedTable {
  std::string name;    // Quoted if necessary, with its schema.
  std::string reason;  // Why it is not streamed: "no primary key, or a deferrable one".
  std::string advice;  // The statement after which it would be; empty if there is none, or if it is not known.
  // A foreign key between it and another table, with the name of that one; empty if there is none.
  std::string joined_with;
};

// The tables for which alone there is this gap: all others are streamed, and have their state at each LSN in it. Empty
// if the gap has another reason as well, such as a change of the schema.
std::vector<UnstreamedTable> OnlyUnstreamed(const RowStore& store, const proto::Gap& gap);

// "public.notes (no primary key, or a deferrable one)": for errors and warnings.
std::string NamesText(const std::vector<UnstreamedTable>& tables);
// "ALTER TABLE public.notes REPLICA IDENTITY FULL; …"; empty if nothing is known to help.
std::string AdviceText(const std::vector<UnstreamedTable>& tables);

}  // namespace rotv::history
