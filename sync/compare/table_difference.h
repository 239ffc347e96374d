// Finds the rows of a table that differ, once the digests have shown that some do, and repairs them from the source.

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "storage/row_store.h"
#include "sync/compare/table_check.h"
#include "sync/postgres/source_session.h"
#include "sync/postgres/watchdog.h"

namespace rotv::compare {

struct KeyDifference {
  enum class Kind {
    kMissing,    // On the source only.
    kExtra,      // In the store only.
    kDifferent,  // In both, with different values.
  };
  Kind kind = Kind::kDifferent;
  std::vector<std::pair<std::string, std::string>> key;  // Pairs of column and value.
};

// A range of the first key column's values, [from, to); nothing for an open end.
struct DifferingRange {
  std::optional<std::string> from;
  std::optional<std::string> to;
};

struct TableDifference {
  uint64_t differing_ranges = 0;
  std::vector<DifferingRange> ranges;  // The first ranges; none for a table without a key.
  // Results for the rows that were compared one by one: those of the first ranges, as many as memory allows.
  bool complete = true;
  uint64_t missing = 0;
  uint64_t extra = 0;
  uint64_t different = 0;
  std::vector<KeyDifference> keys;  // The first keys, in order.

  // Input of a repair: groups of the digest, hashes of the source's rows, keys that the source does not have.
  std::vector<size_t> groups;
  std::vector<uint64_t> wanted;
  std::vector<std::string> unwanted;
};

class TableExaminer {
 public:
  // All must outlive this object.
  TableExaminer(postgres::SourceSession& session, RowStore& store, const CheckRequest& request);

  // Fetches hashes and keys of the rows that differ, and no other value. Returns nothing if the table has moved
  // (TableCheck). Throws kUnreachable if the table stays busy for long.
  std::optional<TableDifference> Examine(const TableCheck& check);

  // True if Repair() may be called: rows are identified by a key, all differences are known, and most rows are equal.
  static bool CanRepair(const TableCheck& check, const TableDifference& difference);
  // Fetches the rows that are missing or different and writes them as they were at the request's LSN, where the head
  // must be; rows that the source does not have are deleted there. It may be interrupted at any moment: each row is
  // then correct or as it was. Returns false if the table has moved.
  bool Repair(const TableCheck& check, const TableDifference& difference);

 private:
  enum class End { kRead, kMoved };
  // A read calls `restart`, then `take` for each row (a checked line of COPY text); it starts over if the table was
  // busy.
  struct Reading {
    std::string select;
    size_t columns = 0;  // Columns of the SELECT.
    std::function<void()> restart;
    std::function<void(std::string_view)> take;
  };
  End Read(const proto::Table& table, const Reading& reading);
  End ReadOnce(const proto::Table& table, const Reading& reading, std::optional<postgres::PgFailure>* busy);

  postgres::SourceSession& session_;
  RowStore& store_;
  const CheckRequest& request_;
  std::unique_ptr<postgres::PgConnection> connection_;
  postgres::Watchdog watchdog_;
};

}  // namespace rotv::compare
