// Which rows of a table differ, once the digests have said that some do; and how the store gets the source's.

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
    kDifferent,  // In both, with other values.
  };
  Kind kind = Kind::kDifferent;
  std::vector<std::pair<std::string, std::string>> key;  // Column and value.
};

// A range of the first key column's values, [from, to); nothing where it is open.
struct DifferingRange {
  std::optional<std::string> from;
  std::optional<std::string> to;
};

struct TableDifference {
  uint64_t differing_ranges = 0;
  std::vector<DifferingRange> ranges;  // The first of them; none in a table without a key.
  // Of the rows that were looked at one by one: those of the first ranges, as many as memory allows.
  bool complete = true;
  uint64_t missing = 0;
  uint64_t extra = 0;
  uint64_t different = 0;
  std::vector<KeyDifference> keys;  // The first of them, in order of the keys.

  // What a repair needs: groups of the digest, hashes of the source's rows, keys that the source does not have.
  std::vector<size_t> groups;
  std::vector<uint64_t> wanted;
  std::vector<std::string> unwanted;
};

class TableExaminer {
 public:
  // All outlive this.
  TableExaminer(postgres::SourceSession& session, RowStore& store, const CheckRequest& request);

  // Fetches hashes and keys of what differs, and no other value. Nothing if the table has moved. Throws kUnreachable if
  // the table is in somebody's way for long.
  std::optional<TableDifference> Examine(const TableCheck& check);

  // Whether Repair() may be called: rows are known by a key, all differences are known, and they are not most of it.
  static bool CanRepair(const TableCheck& check, const TableDifference& difference);
  // Fetches the rows that are missing or different and writes them as they were at the request's LSN, where the head
  // must be; what the source does not have is gone there. May be broken off at any moment: each row is right or as it
  // was. False if the table has moved.
  bool Repair(const TableCheck& check, const TableDifference& difference);

 private:
  enum class End { kRead, kMoved };
  // Calls `restart`, then `take` for each row (a checked line of COPY text); again from the start if the table was
  // busy.
  struct Reading {
    std::string select;
    size_t columns = 0;  // Of what is selected.
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
