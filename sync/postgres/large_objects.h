// Large objects, which are not streamed: how they are read, and how pg_dump writes them.

#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "proto/store.pb.h"
#include "storage/row_store.h"
#include "sync/postgres/pg_connection.h"

namespace rotv {

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
void ParseLargeObjectGroups(const PgResult& result, proto::SchemaVersion* schema);

// Writes the parts of a seed that pg_dump writes of them. `rows` gives their rows, in order of object and offset, from
// an object on.
class LargeObjectWriter {
 public:
  using Write = std::function<void(std::string_view)>;
  using RowsFrom = std::function<std::unique_ptr<RowScan>(const std::string& first_key)>;
  // All outlive the writer.
  LargeObjectWriter(const proto::SchemaVersion& schema, const Write& write) : schema_(schema), write_(write) {}

  // The schema's text before the data, with the groups' DROPs in their place.
  void PutPreData() const;
  // Behind the sequences.
  void PutData(const RowsFrom& rows) const;

 private:
  void PutAllInOneBlock(RowScan& rows) const;
  void PutGroup(const proto::LargeObjectGroup& group, const RowsFrom& rows) const;
  std::string Open(std::string_view object) const;
  void PutPiece(std::string_view hex) const;

  const proto::SchemaVersion& schema_;
  const Write& write_;
};

}  // namespace rotv
