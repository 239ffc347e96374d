// Proves that the store equals the source, without a dump of it, and repairs differences on request.

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
  kRows,  // Fetches rows that differ; resyncs a table of which most rows differ, or whose rows have no key.
};

struct VerifyRequest {
  Repair repair = Repair::kNo;
  std::vector<std::string> tables;  // As SQL writes them, or unquoted as schema.name; none: all.
};

struct TableVerdict {
  std::string table;  // Quoted.
  Lsn lsn;            // The table's state at this point was compared.
  uint64_t rows = 0;  // In the store.
  bool equal = true;
  bool repaired = false;                // It is equal now, and was not before.
  std::string unreadable;               // The store's error when the table was read; empty if it could be read.
  compare::TableDifference difference;  // As found; before the repair, if there was one.
};

struct VerifyResult {
  Lsn lsn;                           // The head.
  std::vector<TableVerdict> tables;  // In order of (schema, name).
  std::vector<std::string> masked;   // Tables that were not compared: their keys are masked, or rows are left out.
  std::vector<std::string> in_part;  // Compared tables with masked columns, which were left out.
  uint64_t rows = 0;                 // Rows compared, in all tables.
  uint64_t wire_bytes = 0;           // Received over SSH; 0 without.
  double seconds = 0;
  bool compaction_owed = false;  // Files wait to be merged: see compact.h.

  uint64_t differing() const;  // Returns the number of tables that are not equal.
};

// Pulls, then compares every table whose rows are kept, at one exact LSN (some at a later one, after a migration in
// between). Connects again when the link breaks, and goes on with the tables that were not compared yet (LinkRetry).
// Throws kUsage if there is no baseline or no such table; kUnreachable if migrations on the source keep it
// from finishing; and what Pull() throws.
VerifyResult Verify(const Context& context, const VerifyRequest& request);

}  // namespace rotv
