// Reads a few values of columns on the source, for PII detection. They are held in memory while they are looked at, and
// are never written anywhere.

#pragma once

#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "storage/interrupt.h"
#include "sync/mask/masker.h"
#include "sync/mask/pii_types.h"
#include "sync/mask/pii_values.h"
#include "sync/postgres/catalog.h"
#include "sync/postgres/pg_connection.h"

namespace rotv::mask {

// A column that no rule speaks of, of a table of which rows are kept here. Points into the catalogue and the facts.
struct PiiColumn {
  const postgres::CatalogTable* table = nullptr;
  const postgres::CatalogColumn* column = nullptr;
  const MaskColumn* mask = nullptr;
  const TypeParts* type = nullptr;
  std::string pattern;  // As a key of [mask], named after the table that it is a partition of, or inherits from.

  std::pair<uint32_t, int> id() const { return {table->oid, column->number}; }
};

class PiiSampler {
 public:
  // At most so many rows of a table, from its beginning and its end, and so many characters of each value.
  static constexpr int kFirstRows = 120, kLastRows = 80, kCharacters = 1000;

  // `connection` is an ordinary one that is in no transaction while Look() runs: never one on an exported snapshot,
  // which would hold the tables' locks for as long as it lives. Columns of `known` were looked at by those who stored
  // it, unless they are of another type now, or were masked.
  PiiSampler(postgres::PgConnection& connection, const Interrupt& interrupt, const proto::SchemaVersion& known = {});

  // What the values of each of these give away: as many as there are columns. Columns that this sampler has looked at,
  // or that are known, are passed over, as are tables that the source has changed in the meantime: what was read of the
  // catalogue is no longer true then, and its reader starts over. Many tables are read in one round trip, each in a
  // transaction of its own, so that a migration waits for the reading of one table at most. Throws kUnreachable where a
  // table stays locked.
  std::vector<Suspicion> Look(const std::vector<PiiColumn>& columns);

 private:
  using Known = std::tuple<uint32_t, int, uint32_t>;  // Table, column, type.
  struct Reading {
    std::string sql;              // In a transaction of its own.
    std::vector<size_t> columns;  // Which of those that were given.
  };
  std::vector<Reading> Readings(const std::vector<PiiColumn>& columns) const;
  std::vector<postgres::PgResult> Read(const std::string& sql);

  postgres::PgConnection& connection_;
  const Interrupt& interrupt_;
  std::set<Known> known_;
};

}  // namespace rotv::mask
