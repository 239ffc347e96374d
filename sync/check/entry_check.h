// Checks that what a store holds has the form that this program writes.

#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/store.pb.h"
#include "storage/row_store.h"
#include "sync/formats/row_check.h"
#include "sync/formats/text_encoding.h"
#include "sync/schema/row_codec.h"

namespace rotv::check {

// Any number of threads may use one at the same time, each with a Memory of its own.
class EntryCheck {
 public:
  // Takes the schemas that can be read; `store` outlives the check. `coming` are schemas that are not stored yet.
  explicit EntryCheck(const RowStore& store, const std::vector<proto::SchemaVersion>& coming = {});

  // What a thread remembers of the row before, since the next one is mostly of the same table and shape. Of one check.
  class Memory {
    friend class EntryCheck;
    TableId table_ = 0;
    uint32_t shape_ = 0;
    std::optional<formats::RowCheck> line_;  // Not set: there was no row.
    std::vector<schema::RowCodec> keys_;     // One for each way to identify rows of the shape.
    std::string key_;
  };

  // Checks one version of a row: its key, its shape, the form of its line, and that the line has that key. Throws
  // kCorrupt or kProtocol, with a message without values.
  void Version(const VersionKey& key, const RowVersion& version, Memory* memory) const;

  // Returns the latest known name of a table, quoted.
  std::string NameOf(TableId table) const;

 private:
  void Prepare(TableId table, const proto::Shape& shape, Memory* memory) const;

  const RowStore& store_;
  formats::TextEncoding encoding_;
  std::vector<proto::SchemaVersion> schemas_;
  std::map<uint32_t, std::vector<const proto::Table*>> by_shape_;  // One for each way to identify rows.
  std::map<TableId, std::string> names_;
};

}  // namespace rotv::check
