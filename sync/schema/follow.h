// How each table is followed: decided here and nowhere else. Pure.

#pragma once

#include <string>
#include <vector>

#include "proto/store.pb.h"
#include "sync/context/source_config.h"
#include "sync/postgres/catalog.h"

namespace rotv::schema {

struct FollowDecision {
  proto::Follow follow = proto::FOLLOW_SCHEMA_ONLY;
  std::string way;                  // "by primary key", "by index notes_key", "as a bag"; empty if it is not streamed.
  std::string reason;               // "notes_pkey", "excluded in rotv.toml", "no primary key"
  std::vector<int> column_numbers;  // Of the identity, or else of the primary key; empty for a bag.
  uint32_t constraint_oid = 0;      // That the identity belongs to; 0 for none.
  std::string filter;               // FOLLOW_COPY: which rows a dump has: " WHERE …", or empty.
  std::string advice;               // FOLLOW_COPY: the statement after which it would be streamed; empty if none.
};
FollowDecision Decide(const postgres::CatalogTable& table, const SourceConfig& source);

// "streamed by primary key", "copied again when changed", "schema only"
std::string FollowText(proto::Follow follow, const std::string& way);

// Its changes come with the stream, so that it is in the publication.
bool IsStreamed(const proto::Table& table);
// Whether the same tables, under the same names, are in the publication.
bool SameTablesAreStreamed(const proto::SchemaVersion& a, const proto::SchemaVersion& b);
// Rows of it are kept.
bool HasRows(const proto::Table& table);
// Its rows are kept by all that they are, with a count of equal ones.
bool IsMultiset(const proto::Table& table);

// Whether `table` is left out by the `exclude` of rotv.toml.
bool IsExcluded(const SourceConfig& source, const std::string& schema, const std::string& name);

// Tables that are excluded now but were not when `schema` was described, or the other way round.
std::vector<std::string> ExclusionChanges(const proto::SchemaVersion& schema, const SourceConfig& source);

}  // namespace rotv::schema
