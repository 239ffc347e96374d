// Checks that what a store holds has the form that this program writes.

#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "proto/store.pb.h"
#include "storage/row_store.h"
#include "sync/formats/text_encoding.h"

namespace rotv::check {

class EntryCheck {
 public:
  // Takes the schemas that can be read; `store` outlives the check. `coming` are schemas that are not stored yet.
  explicit EntryCheck(const RowStore& store, const std::vector<proto::SchemaVersion>& coming = {});

  // Checks one version of a row: its key, its shape, the form of its line, and that the line has that key. Throws
  // kCorrupt or kProtocol, with a message without values.
  void Version(std::string_view key, std::string_view value);

  // Returns the latest known name of a table, quoted.
  std::string NameOf(TableId table) const;

 private:
  void RequireKey(const VersionKey& key, const RowVersion& version);

  const RowStore& store_;
  formats::TextEncoding encoding_;
  std::vector<proto::SchemaVersion> schemas_;
  std::map<uint32_t, std::vector<const proto::Table*>> by_shape_;  // One for each way to identify rows.
  std::map<TableId, std::string> names_;
  std::string scratch_;
};

}  // namespace rotv::check
