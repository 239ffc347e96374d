// Reads a few values of columns on the source, for PII detection. They are held in memory while they are examined, and
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

// A column that no rule names, of a table whose rows are kept here. Points into the catalogue and the facts.
struct PiiColumn {
  const postgres::CatalogTable* table = nullptr;
  const postgres::CatalogColumn* column = nullptr;
  const MaskColumn* mask = nullptr;
  const TypeParts* type = nullptr;
  std::string pattern;  // The key of [mask], with the name of the table that it is a partition of, or inherits from.

  std::pair<uint32_t, int> id() const { return {table->oid, column->number}; }
};

class PiiSampler {
 public:
  // Limits of a sample: rows of a table, from its beginning and its end, and characters of each value.
  static constexpr int kFirstRows = 120, kLastRows = 80, kCharacters = 1000;

  // `connection` is an ordinary one that is in no transaction while Look() runs: never one with an exported snapshot,
  // which would hold the tables' locks for as long as it lives. Columns of `known` were examined by the run that stored
  // it, unless their type is another one now, or they were masked.
  PiiSampler(postgres::PgConnection& connection, const Interrupt& interrupt, const proto::SchemaVersion& known = {});

  // Returns what the values of each column give away: as many suspicions as there are columns. Columns that this
  // sampler has examined, or that are known, are skipped, as are tables that the source has changed in the meantime:
  // then the catalogue that was read is no longer true, and its reader starts over. Many tables are read in one round
  // trip, each in a transaction of its own, so that a migration waits for the reading of at most one table. Throws
  // kUnreachable if a table stays locked.
  std::vector<Suspicion> Look(const std::vector<PiiColumn>& columns);

 private:
  using Known = std::tuple<uint32_t, int, uint32_t>;  // Table, column, type.
  struct Reading {
    std::string sql;              // Runs in a transaction of its own.
    std::vector<size_t> columns;  // Indexes into the columns that were given.
  };
  std::vector<Reading> Readings(const std::vector<PiiColumn>& columns) const;
  std::vector<postgres::PgResult> Read(const std::string& sql);

  postgres::PgConnection& connection_;
  const Interrupt& interrupt_;
  std::set<Known> known_;
};

}  // namespace rotv::mask
