#include "sync/formats/pgoutput.h"

#include <fmt/format.h>

#include "storage/error.h"
#include "sync/formats/byte_reader.h"

namespace rotv::formats::pgoutput {
namespace {

[[noreturn, gnu::cold]] void ThrowUnknown(std::string_view what, uint8_t value) {
  throw Error(ErrorCode::kProtocol, fmt::format("the source sent a {} that is not known (0x{:02x})", what, value));
}

// Reads a byte of flags, of which only those in `known` may be set: an unknown flag could change the meaning of the
// rest of the message.
uint8_t ReadFlags(ByteReader* reader, uint8_t known, std::string_view what) {
  uint8_t flags = reader->Uint8();
  if ((flags & ~known) != 0) ThrowUnknown(what, flags);
  return flags;
}

Tuple ReadTuple(ByteReader* reader) {
  Tuple tuple(reader->CheckedCount(reader->Uint16(), 1));
  for (Column& column : tuple) {
    char kind = reader->Char();
    switch (kind) {
      case 't':
        column.kind = Column::Kind::kText;
        column.text = reader->Bytes(reader->Uint32());
        break;
      case 'n':
        break;
      case 'u':
        column.kind = Column::Kind::kUnchangedToast;
        break;
      default:
        ThrowUnknown("kind of column value", static_cast<uint8_t>(kind));
    }
  }
  return tuple;
}

Begin ReadBegin(ByteReader* reader) {
  Begin begin;
  begin.commit_lsn = reader->ReadLsn();
  begin.commit_time_us = reader->UnixTimeUs();
  begin.xid = reader->Uint32();
  return begin;
}

Commit ReadCommit(ByteReader* reader) {
  Commit commit;
  ReadFlags(reader, 0, "flag of a Commit message");
  commit.commit_lsn = reader->ReadLsn();
  commit.end_lsn = reader->ReadLsn();
  commit.commit_time_us = reader->UnixTimeUs();
  return commit;
}

Origin ReadOrigin(ByteReader* reader) {
  Origin origin;
  origin.lsn = reader->ReadLsn();
  origin.name = reader->CString();
  return origin;
}

char ReadReplicaIdentity(ByteReader* reader) {
  char identity = reader->Char();
  if (std::string_view("dnfi").find(identity) == std::string_view::npos) {
    ThrowUnknown("replica identity", static_cast<uint8_t>(identity));
  }
  return identity;
}

Relation ReadRelation(ByteReader* reader) {
  constexpr size_t kLeastColumnSize = 10;  // Flags, an empty name, type and modifier.
  Relation relation;
  relation.oid = reader->Uint32();
  relation.schema = reader->CString();
  relation.name = reader->CString();
  relation.replica_identity = ReadReplicaIdentity(reader);
  relation.columns.resize(reader->CheckedCount(reader->Uint16(), kLeastColumnSize));
  for (RelationColumn& column : relation.columns) {
    column.is_identity = ReadFlags(reader, 1, "flag of a Relation message's column") != 0;
    column.name = reader->CString();
    column.type_oid = reader->Uint32();
    column.type_modifier = static_cast<int32_t>(reader->Uint32());
  }
  return relation;
}

Type ReadType(ByteReader* reader) {
  Type type;
  type.oid = reader->Uint32();
  type.schema = reader->CString();
  type.name = reader->CString();
  return type;
}

LogicalMessage ReadLogicalMessage(ByteReader* reader) {
  LogicalMessage message;
  message.transactional = ReadFlags(reader, 1, "flag of a logical message") != 0;
  message.lsn = reader->ReadLsn();
  message.prefix = reader->CString();
  message.content = reader->Bytes(reader->Uint32());
  return message;
}

// Reads the new row of an INSERT or UPDATE.
Tuple ReadNewTuple(ByteReader* reader, char kind) {
  if (kind != 'N') ThrowUnknown("kind of row", static_cast<uint8_t>(kind));
  return ReadTuple(reader);
}

bool IsOldKind(char kind) {
  return kind == static_cast<char>(OldKind::kKey) || kind == static_cast<char>(OldKind::kFull);
}

Insert ReadInsert(ByteReader* reader) {
  Insert insert;
  insert.relation_oid = reader->Uint32();
  insert.row = ReadNewTuple(reader, reader->Char());
  return insert;
}

Update ReadUpdate(ByteReader* reader) {
  Update update;
  update.relation_oid = reader->Uint32();
  char kind = reader->Char();
  if (IsOldKind(kind)) {
    update.old_row = OldRow{static_cast<OldKind>(kind), ReadTuple(reader)};
    kind = reader->Char();
  }
  update.row = ReadNewTuple(reader, kind);
  return update;
}

Delete ReadDelete(ByteReader* reader) {
  Delete deletion;
  deletion.relation_oid = reader->Uint32();
  char kind = reader->Char();
  if (!IsOldKind(kind)) ThrowUnknown("kind of deleted row", static_cast<uint8_t>(kind));
  deletion.old_row = OldRow{static_cast<OldKind>(kind), ReadTuple(reader)};
  return deletion;
}

Truncate ReadTruncate(ByteReader* reader) {
  constexpr uint8_t kCascade = 1;
  constexpr uint8_t kRestartIdentity = 2;
  Truncate truncate;
  uint32_t count = reader->Uint32();
  uint8_t flags = ReadFlags(reader, kCascade | kRestartIdentity, "flag of a Truncate message");
  truncate.cascade = (flags & kCascade) != 0;
  truncate.restart_identity = (flags & kRestartIdentity) != 0;
  truncate.relation_oids.resize(reader->CheckedCount(count, sizeof(uint32_t)));
  for (uint32_t& oid : truncate.relation_oids) oid = reader->Uint32();
  return truncate;
}

Message ReadMessage(ByteReader* reader) {
  char type = reader->Char();
  switch (type) {
    case 'I':
      return ReadInsert(reader);
    case 'U':
      return ReadUpdate(reader);
    case 'D':
      return ReadDelete(reader);
    case 'B':
      return ReadBegin(reader);
    case 'C':
      return ReadCommit(reader);
    case 'R':
      return ReadRelation(reader);
    case 'Y':
      return ReadType(reader);
    case 'T':
      return ReadTruncate(reader);
    case 'M':
      return ReadLogicalMessage(reader);
    case 'O':
      return ReadOrigin(reader);
    default:
      ThrowUnknown("message", static_cast<uint8_t>(type));
  }
}

}  // namespace

Message Decode(std::string_view bytes) {
  ByteReader reader(bytes);
  Message message = ReadMessage(&reader);
  reader.Finish();
  return message;
}

}  // namespace rotv::formats::pgoutput
