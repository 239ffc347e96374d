#include "sync/schema/follow.h"

#include <fmt/format.h>

#include <algorithm>

// A table is streamed if every UPDATE and DELETE in the stream names its row: by the index that the server itself takes
// as the replica identity, or, with REPLICA IDENTITY FULL, by the whole old row, which makes it a multiset. Everything
// else is copied again when its fingerprint has changed. The invariant is that a table is never streamed on a guess: an
// index that is invalid, deferred or may hold null identifies nothing, and the publication would refuse the source's
// own updates.

namespace rotv::schema {
namespace {

constexpr const char* kExcluded = "excluded in rotv.toml";

// Returns the index that identifies a row, as the server itself chooses it; null if there is none.
const postgres::CatalogIndex* IdentityIndex(const postgres::CatalogTable& table) {
  for (const postgres::CatalogIndex& index : table.indexes) {
    bool chosen = table.replica_identity == 'i' ? index.is_replica_identity : index.is_primary;
    if (chosen && index.is_immediate && index.is_valid && !index.may_hold_null) return &index;
  }
  return nullptr;
}

bool HasGeneratedColumn(const postgres::CatalogTable& table, const postgres::CatalogIndex& index) {
  return std::any_of(table.columns.begin(), table.columns.end(), [&](const postgres::CatalogColumn& column) {
    const std::vector<int>& numbers = index.column_numbers;
    return column.is_generated && std::find(numbers.begin(), numbers.end(), column.number) != numbers.end();
  });
}

// A deferrable primary key is unique as well once a transaction has ended, so a copy can be keyed by it.
std::vector<int> PrimaryKeyColumns(const postgres::CatalogTable& table) {
  for (const postgres::CatalogIndex& index : table.indexes) {
    if (index.is_primary && index.is_valid && !HasGeneratedColumn(table, index)) return index.column_numbers;
  }
  return {};
}

FollowDecision SchemaOnly(const std::string& reason) {
  FollowDecision decision;
  decision.reason = reason;
  return decision;
}

FollowDecision CopiedAgain(const postgres::CatalogTable& table, const std::string& reason, const std::string& advice) {
  FollowDecision decision;
  decision.follow = proto::FOLLOW_COPY;
  decision.reason = reason;
  decision.column_numbers = PrimaryKeyColumns(table);
  decision.advice = advice;
  return decision;
}

bool HasUsablePrimaryKey(const postgres::CatalogTable& table) {
  return std::any_of(table.indexes.begin(), table.indexes.end(), [&](const postgres::CatalogIndex& index) {
    return index.is_primary && index.is_immediate && index.is_valid && !HasGeneratedColumn(table, index);
  });
}

// The replica identity under which a table that is not streamed now would be; empty if there is none. Advice is given
// by what it leads to, never by what there is: each of these ends in a table that is streamed.
std::string IdentityThatServes(const postgres::CatalogTable& table) {
  if (HasUsablePrimaryKey(table)) return "DEFAULT";
  if (!table.identity_index.empty()) return "USING INDEX " + table.identity_index;
  return table.full_identity_serves ? "FULL" : "";
}

FollowDecision WithoutIdentity(const postgres::CatalogTable& table, const std::string& reason) {
  const std::string identity = IdentityThatServes(table);
  if (identity.empty()) {
    return CopiedAgain(table,
                       reason +
                           "; what it needs is a primary key, or a unique index, over columns that are NOT NULL and "
                           "not generated",
                       "");
  }
  return CopiedAgain(table, reason, fmt::format("ALTER TABLE {} REPLICA IDENTITY {}", table.quoted_name, identity));
}

// Advises only if the table would be streamed once it is logged, with all statements that are needed for that.
FollowDecision Unlogged(const postgres::CatalogTable& table, const SourceConfig& source) {
  postgres::CatalogTable logged = table;
  logged.persistence = 'p';
  const FollowDecision then = Decide(logged, source);
  const std::string reason = "unlogged: its changes are not in the WAL";
  if (then.follow == proto::FOLLOW_COPY && then.advice.empty()) {
    return CopiedAgain(table, fmt::format("{}; logged, it would be resynced all the same: {}", reason, then.reason),
                       "");
  }
  std::string advice = fmt::format("ALTER TABLE {} SET LOGGED", table.quoted_name);
  if (!then.advice.empty()) advice += "; " + then.advice;
  return CopiedAgain(table, reason, advice);
}

FollowDecision ByIndex(const postgres::CatalogIndex& index) {
  FollowDecision decision;
  decision.follow = proto::FOLLOW_KEY;
  decision.way = index.is_primary ? "by primary key" : "by index " + index.quoted_name;
  decision.reason = index.is_primary ? index.quoted_name : "it is the table's replica identity";
  decision.column_numbers = index.column_numbers;
  decision.constraint_oid = index.constraint_oid;
  return decision;
}

FollowDecision OfExtension(const postgres::CatalogTable& table) {
  if (!table.is_extension_config) return SchemaOnly("belongs to an extension");
  FollowDecision decision = CopiedAgain(table, "an extension's configuration table: only the rows added to it", "");
  if (!table.extension_filter.empty()) decision.filter = " " + table.extension_filter;
  return decision;
}

}  // namespace

FollowDecision Decide(const postgres::CatalogTable& table, const SourceConfig& source) {
  if (table.kind == 'p') return SchemaOnly("partitioned: its partitions have the rows");
  if (table.kind == 'f') return SchemaOnly("foreign: another server has the rows");
  if (IsExcluded(source, table.schema, table.name)) return SchemaOnly(kExcluded);
  if (table.dropped) return SchemaOnly("dropped by a masking rule");
  if (table.of_extension) return OfExtension(table);
  if (table.persistence == 'u') return Unlogged(table, source);
  const postgres::CatalogIndex* index = IdentityIndex(table);
  if (table.replica_identity == 'n') return WithoutIdentity(table, "REPLICA IDENTITY NOTHING");
  if (table.replica_identity == 'f' && !table.full_identity_serves) {
    return WithoutIdentity(table, "identity FULL with a generated column, which this server does not publish");
  }
  if (index != nullptr && !HasGeneratedColumn(table, *index)) return ByIndex(*index);
  if (table.replica_identity == 'f') {
    FollowDecision decision;
    decision.follow = proto::FOLLOW_BAG;
    decision.way = "as a multiset";
    decision.reason = "identity FULL and no usable primary key";
    return decision;
  }
  if (index != nullptr) return WithoutIdentity(table, "identified by a generated column, which is not published");
  if (table.replica_identity != 'i') return WithoutIdentity(table, "no primary key, or a deferrable one");
  const bool may_hold_null = std::any_of(table.indexes.begin(), table.indexes.end(), [](const auto& each) {
    return each.is_replica_identity && each.may_hold_null;
  });
  return WithoutIdentity(table, may_hold_null ? "its replica identity index has a column whose NOT NULL is NOT VALID"
                                              : "its replica identity index was dropped or is not valid");
}

std::string FollowText(proto::Follow follow, const std::string& way) {
  switch (follow) {
    case proto::FOLLOW_KEY:
    case proto::FOLLOW_BAG:
      return "streamed " + way;
    case proto::FOLLOW_COPY:
      return "resynced when changed";
    default:
      return "schema only";
  }
}

bool IsStreamed(const proto::Table& table) {
  return table.follow() == proto::FOLLOW_KEY || table.follow() == proto::FOLLOW_BAG;
}

bool SameTablesAreStreamed(const proto::SchemaVersion& a, const proto::SchemaVersion& b) {
  auto streamed = [](const proto::SchemaVersion& schema) {
    std::vector<std::pair<uint32_t, std::string>> tables;
    for (const proto::Table& table : schema.tables()) {
      if (IsStreamed(table)) tables.emplace_back(table.id(), table.quoted_name());
    }
    return tables;
  };
  return streamed(a) == streamed(b);
}

bool HasRows(const proto::Table& table) { return IsStreamed(table) || table.follow() == proto::FOLLOW_COPY; }

bool IsMultiset(const proto::Table& table) {
  return table.follow() == proto::FOLLOW_BAG || (table.follow() == proto::FOLLOW_COPY && table.key_columns().empty());
}

bool IsExcluded(const SourceConfig& source, const std::string& schema, const std::string& name) {
  return std::find(source.exclude.begin(), source.exclude.end(), schema + "." + name) != source.exclude.end();
}

std::vector<std::string> ExclusionChanges(const proto::SchemaVersion& schema, const SourceConfig& source) {
  std::vector<std::string> changed;
  for (const proto::Table& table : schema.tables()) {
    bool was = table.follow_reason() == kExcluded;
    bool could_be = was || HasRows(table);
    if (could_be && was != IsExcluded(source, table.schema(), table.name())) changed.push_back(table.quoted_name());
  }
  return changed;
}

}  // namespace rotv::schema
