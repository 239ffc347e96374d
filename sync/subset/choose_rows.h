// Chooses the rows of a small seed whose foreign keys hold: [subset] of the config, applied to a store at one LSN.

#pragma once

#include "storage/interrupt.h"
#include "storage/row_store.h"
#include "sync/context/progress.h"
#include "sync/context/subset_config.h"
#include "sync/subset/chosen_rows.h"

namespace rotv::subset {

// Throws kUsage if the section does not fit the schema, or leaves out rows that others reference where that is not
// allowed. Reads no rows.
void RequireSubsetFits(const RowStore& store, Lsn lsn, const SubsetConfig& config);

// Chooses by the stored values, which are masked where rules say so. The same rows in two stores, or at two LSNs, give
// the same subset. Tables in which rows are looked for are read once here, on several threads; whoever writes the rows
// reads a table again if ChosenTable::has_lines is false.
//
// Memory is a few bits for each row of these tables, and for one foreign key at a time 16 to 32 bytes for each key that
// leads on and 8 for each row that it brings; where a circle of references takes many rounds, 16 bytes for each row of
// its tables; beside these at most 200 MB for rows and keys that are likely to be chosen. A file without a name beside
// the store has 8 bytes for each row and foreign key.
//
// Throws kUsage if the section does not fit the schema; kDisk, kCorrupt and kInterrupted.
ChosenRows ChooseRows(const RowStore& store, Lsn lsn, const SubsetConfig& config, Progress& progress,
                      const Interrupt& interrupt);

}  // namespace rotv::subset
