// Decides how each table is followed. The decision is made here and nowhere else. Pure.

#pragma once

#include <string>
#include <vector>

#include "proto/store.pb.h"
#include "sync/context/source_config.h"
#include "sync/postgres/catalog.h"

namespace rotv::schema {

struct FollowDecision {
  proto::Follow follow = proto::FOLLOW_SCHEMA_ONLY;
  std::string way;                  // "by primary key", "by index notes_key", "as a multiset"; empty if it is not
                                    // streamed.
  std::string reason;               // "notes_pkey", "excluded in rotv.toml", "no primary key"
  std::vector<int> column_numbers;  // The identity's, else the primary key's; empty for a multiset.
  uint32_t constraint_oid = 0;      // The constraint that the identity belongs to; 0 for none.
  std::string filter;               // FOLLOW_COPY: the rows that a dump has: " WHERE …", or empty.
  std::string advice;               // FOLLOW_COPY: the statement after which the table would be streamed; empty if
                                    // there is none.
};
FollowDecision Decide(const postgres::CatalogTable& table, const SourceConfig& source);

// Text for people: "streamed by primary key", "resynced when changed", "schema only".
std::string FollowText(proto::Follow follow, const std::string& way);

// True if changes of the table are streamed, which means that it is in the publication.
bool IsStreamed(const proto::Table& table);
// True if both schemas have the same tables, under the same names, in the publication.
bool SameTablesAreStreamed(const proto::SchemaVersion& a, const proto::SchemaVersion& b);
// True if the store keeps rows of the table.
bool HasRows(const proto::Table& table);
// True if the table is kept as a multiset: whole rows, each with a count of equal ones.
bool IsMultiset(const proto::Table& table);

// True if the `exclude` of rotv.toml leaves out this table.
bool IsExcluded(const SourceConfig& source, const std::string& schema, const std::string& name);

// Returns the tables that are excluded now but were not when `schema` was described, or the other way round.
std::vector<std::string> ExclusionChanges(const proto::SchemaVersion& schema, const SourceConfig& source);

}  // namespace rotv::schema
