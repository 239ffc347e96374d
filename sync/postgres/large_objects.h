// The statements that read large objects, which logical replication does not stream.

#pragma once

#include <string>

#include "proto/store.pb.h"
#include "sync/postgres/pg_connection.h"

namespace rotv::postgres {

// The table id under which the store keeps their contents: the oid of pg_catalog.pg_largeobject.
inline constexpr uint32_t kLargeObjectTable = 2613;

// Until 16 pg_dump creates large objects among the schema's objects, and one block has the contents of all of them.
// Since 17 they are created and filled in groups of one owner and one set of privileges, all in the data section. The
// version is that of the pg_dump that wrote the schema's text, which can be newer than the server.
inline constexpr int kLargeObjectsInGroups = 17;

// The statement for their fingerprint, which gives one row like those of ContentStatements(). With `pages` it reads
// pg_largeobject itself, which needs a superuser; else it reads all values.
std::string LargeObjectContentSql(bool pages);

// The statement for all of them as rows of (object, offset, bytes), in the chunks that pg_dump writes. An empty object
// has one row without bytes.
std::string LargeObjectRowsSql();

// The statement for the groups, for servers of any version.
std::string LargeObjectGroupsSql();
// pg_dump's name for a group; it sorts the groups by these names, as text.
std::string LargeObjectGroupName(const proto::LargeObjectGroup& group);
void ParseLargeObjectGroups(const PgResult& result, proto::SchemaVersion* schema);

}  // namespace rotv::postgres
