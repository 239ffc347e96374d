// Large objects, which logical replication does not stream: the statements that read them.

#pragma once

#include <string>

#include "proto/store.pb.h"
#include "sync/postgres/pg_connection.h"

namespace rotv::postgres {

// The table under which their contents are kept: pg_catalog.pg_largeobject's oid.
inline constexpr uint32_t kLargeObjectTable = 2613;

// Until 16 pg_dump creates them among the schema's objects, and one block has the contents of all. Since 17 they are
// created and filled in groups of one owner and one set of privileges, all among the data.
inline constexpr int kLargeObjectsInGroups = 170000;

// Their fingerprint: one row as ContentStatements() gives them. With `pages` pg_largeobject itself is looked at, which
// takes a superuser; else all values are read.
std::string LargeObjectContentSql(bool pages);

// All of them as rows of (object, offset, bytes), in the pieces in which pg_dump writes them. An empty one has one row,
// without bytes.
std::string LargeObjectRowsSql();

// Asks for the groups of a server since 17.
std::string LargeObjectGroupsSql();
// pg_dump's name for a group, by which it orders them: as text.
std::string LargeObjectGroupName(const proto::LargeObjectGroup& group);
void ParseLargeObjectGroups(const PgResult& result, proto::SchemaVersion* schema);

}  // namespace rotv::postgres
