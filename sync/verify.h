// Proves that the store equals the source, without a dump of it; and mends it where it does not.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "storage/lsn.h"
#include "sync/compare/table_difference.h"
#include "sync/context/context.h"

namespace rotv {

enum class Repair {
  kNo,
  kRows,  // Rows that differ are fetched; of a table of which most does, or whose rows have no key, all rows.
};

struct VerifyRequest {
  Repair repair = Repair::kNo;
  std::vector<std::string> tables;  // As SQL writes them, or plainly as schema.name; none: all.
};

struct TableVerdict {
  std::string table;  // Quoted.
  Lsn lsn;            // What was compared is its state at this point.
  uint64_t rows = 0;  // In the store.
  bool equal = true;
  bool repaired = false;                // It is equal now, and was not.
  std::string unreadable;               // What the store said when it was read; empty if it could be.
  compare::TableDifference difference;  // As found; before the repair, if there was one.
};

struct VerifyResult {
  Lsn lsn;                           // The head.
  std::vector<TableVerdict> tables;  // In order of (schema, name).
  std::vector<std::string> masked;   // Those that were not compared: their keys are masked, or rows are left out.
  std::vector<std::string> in_part;  // Of those that were, the ones with masked columns, which were left out.
  uint64_t rows = 0;                 // Compared, in all of them.
  uint64_t wire_bytes = 0;           // Received over SSH; 0 without.
  double seconds = 0;

  uint64_t differing() const;  // Tables that are not equal.
};

// Pulls, then compares every table of which rows are kept, at one exact LSN (after a migration in between, some at a
// later one). Throws kUsage if there is no baseline or no such table; kUnreachable if migrations on the source do not
// let it come to an end; and what Pull() throws.
VerifyResult Verify(const Context& context, const VerifyRequest& request);

}  // namespace rotv
