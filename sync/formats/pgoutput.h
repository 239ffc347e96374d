// Decodes pgoutput, protocol version 1, text format: one message in, one struct out. Pure: no I/O, no state between
// calls. Every string_view points into the bytes given to Decode() and lives as long as they do.
// Format: PostgreSQL manual, "Logical Replication Message Formats".

#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "storage/lsn.h"

namespace rotv::formats::pgoutput {

struct Column {
  enum class Kind : char { kNull = 'n', kUnchangedToast = 'u', kText = 't' };
  Kind kind = Kind::kNull;
  std::string_view text;  // Set only for kText; the type's output, not escaped.
};
using Tuple = std::vector<Column>;

struct Begin {
  Lsn commit_lsn;              // The start of the commit record ("final LSN").
  int64_t commit_time_us = 0;  // Unix time.
  uint32_t xid = 0;
};
struct Commit {
  Lsn commit_lsn;
  Lsn end_lsn;  // The end of the commit record.
  int64_t commit_time_us = 0;
};
struct Origin {
  Lsn lsn;
  std::string_view name;
};
struct RelationColumn {
  bool is_identity = false;
  std::string_view name;
  uint32_t type_oid = 0;
  int32_t type_modifier = -1;
};
struct Relation {
  uint32_t oid = 0;
  std::string_view schema;  // The text that was sent: empty means pg_catalog.
  std::string_view name;
  char replica_identity = 'd';  // pg_class.relreplident.
  std::vector<RelationColumn> columns;
};
struct Type {
  uint32_t oid = 0;
  std::string_view schema;
  std::string_view name;
};
struct LogicalMessage {
  bool transactional = false;
  Lsn lsn;
  std::string_view prefix;
  std::string_view content;
};
struct Insert {
  uint32_t relation_oid = 0;
  Tuple row;
};
// The kind of old row that an UPDATE or DELETE sends: kKey has the identity's columns (all other columns are 'n', which
// does not mean NULL), kFull the whole row.
enum class OldKind : char { kKey = 'K', kFull = 'O' };
struct OldRow {
  OldKind kind = OldKind::kKey;
  Tuple row;
};
struct Update {
  uint32_t relation_oid = 0;
  std::optional<OldRow> old_row;
  Tuple row;
};
struct Delete {
  uint32_t relation_oid = 0;
  OldRow old_row;
};
struct Truncate {
  bool cascade = false;
  bool restart_identity = false;
  std::vector<uint32_t> relation_oids;
};

using Message = std::variant<Begin, Commit, Origin, Relation, Type, LogicalMessage, Insert, Update, Delete, Truncate>;

// Throws Error(kProtocol) if `bytes` ends early, has bytes left over, or holds an unknown message: a message is never
// half decoded.
Message Decode(std::string_view bytes);

}  // namespace rotv::formats::pgoutput
