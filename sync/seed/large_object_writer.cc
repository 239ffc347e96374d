#include "sync/seed/large_object_writer.h"

#include <fmt/format.h>

#include "storage/error.h"
#include "storage/row_key.h"
#include "sync/formats/dump_text.h"
#include "sync/postgres/large_objects.h"

namespace rotv::seed {
namespace {

constexpr const char* kClose = "SELECT pg_catalog.lo_close(0);\n\n";

// A stored chunk of (object, offset, bytes): "20001\t0\t\\x616263".
struct Piece {
  std::string_view object;
  std::string_view hex;
};

bool IsMadeOf(std::string_view letters, std::string_view text) {
  return text.find_first_not_of(letters) == std::string_view::npos;
}

Piece PieceOf(std::string_view line) {
  constexpr std::string_view kHexPrefix = "\\\\x";
  size_t first = line.find('\t');
  size_t bytes = line.find(kHexPrefix);
  if (first != std::string_view::npos && bytes != std::string_view::npos) {
    Piece piece{line.substr(0, first), line.substr(bytes + kHexPrefix.size())};
    // Both are written into statements of the seed.
    if (IsMadeOf("0123456789", piece.object) && IsMadeOf("0123456789abcdef", piece.hex)) return piece;
  }
  throw Error(ErrorCode::kCorrupt, "the store holds a malformed chunk of a large object");
}

}  // namespace

void LargeObjectWriter::WritePreData() const {
  std::string_view text = schema_.pre_data();
  write_(text.substr(0, schema_.drops_at()));
  for (auto group = schema_.large_objects().rbegin(); group != schema_.large_objects().rend(); ++group) {
    for (const proto::LargeObject& object : group->objects()) {
      write_(fmt::format("SELECT pg_catalog.lo_unlink(oid) FROM pg_catalog.pg_largeobject_metadata WHERE oid = '{}';\n",
                         object.oid()));
    }
  }
  write_(text.substr(schema_.drops_at()));
}

void LargeObjectWriter::WriteData(const RowsFrom& rows) const {
  if (schema_.large_objects().empty()) {
    std::unique_ptr<RowScan> all = rows("");
    return WriteSingleBlock(*all);
  }
  for (const proto::LargeObjectGroup& group : schema_.large_objects()) {
    write_(fmt::format("--\n-- Name: {}; Type: BLOB METADATA; Schema: -; Owner: -\n--\n\n",
                       postgres::LargeObjectGroupName(group)));
    for (const proto::LargeObject& object : group.objects()) {
      write_(fmt::format("SELECT pg_catalog.lo_create('{}');\n", object.oid()));
    }
    write_("\n\n");
    for (const proto::LargeObject& object : group.objects()) {
      if (!object.has_comment()) continue;
      write_(
          fmt::format("--\n-- Name: LARGE OBJECT {0}; Type: COMMENT; Schema: -; Owner: -\n--\n\nCOMMENT ON LARGE "
                      "OBJECT {0} IS {1};\n\n\n",
                      object.oid(), formats::DumpLiteral(object.comment(), schema_.standard_strings())));
    }
  }
  for (const proto::LargeObjectGroup& group : schema_.large_objects()) WriteGroup(group, rows);
}

void LargeObjectWriter::WriteGroup(const proto::LargeObjectGroup& group, const RowsFrom& rows) const {
  write_(fmt::format("--\n-- Data for Name: {}; Type: BLOBS; Schema: -; Owner: -\n--\n\nBEGIN;\n\n",
                     postgres::LargeObjectGroupName(group)));
  for (const proto::LargeObject& object : group.objects()) {
    const std::string name = std::to_string(object.oid());
    write_(Open(name));
    std::string first_key;
    AppendIntegerKey(name, &first_key);
    std::unique_ptr<RowScan> scan = rows(first_key);
    while (scan->Next()) {
      Piece piece = PieceOf(scan->line());
      if (piece.object != name) break;
      WriteChunk(piece.hex);
    }
    write_(kClose);
  }
  write_("COMMIT;\n\n\n");
}

void LargeObjectWriter::WriteSingleBlock(RowScan& rows) const {
  std::string open;  // The object whose bytes are being written.
  while (rows.Next()) {
    Piece piece = PieceOf(rows.line());
    if (open.empty()) write_("--\n-- Data for Name: BLOBS; Type: BLOBS; Schema: -; Owner: -\n--\n\nBEGIN;\n\n");
    if (open != piece.object) {
      if (!open.empty()) write_(kClose);
      open = piece.object;
      write_(Open(open));
    }
    WriteChunk(piece.hex);
  }
  if (!open.empty()) write_(std::string(kClose) + "COMMIT;\n\n\n");
}

std::string LargeObjectWriter::Open(std::string_view object) const {
  return fmt::format("SELECT pg_catalog.lo_open('{}', 131072);\n", object);
}

void LargeObjectWriter::WriteChunk(std::string_view hex) const {
  if (hex.empty()) return;
  write_(fmt::format("SELECT pg_catalog.lowrite(0, {});\n",
                     formats::DumpLiteral(fmt::format("\\x{}", hex), schema_.standard_strings())));
}

}  // namespace rotv::seed
