// Writes large objects as pg_dump does.

#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "proto/store.pb.h"
#include "storage/row_store.h"

namespace rotv::seed {

// Writes the parts of a seed that pg_dump writes for large objects. `rows` returns their rows, in order of object and
// offset, beginning with an object.
class LargeObjectWriter {
 public:
  using Write = std::function<void(std::string_view)>;
  using RowsFrom = std::function<std::unique_ptr<RowScan>(const std::string& first_key)>;
  // Both must outlive the writer.
  LargeObjectWriter(const proto::SchemaVersion& schema, const Write& write) : schema_(schema), write_(write) {}

  // Writes the schema's text before the data, with the groups' DROPs in their place.
  void WritePreData() const;
  // Writes the large objects, which come after the sequences.
  void WriteData(const RowsFrom& rows) const;

 private:
  void WriteSingleBlock(RowScan& rows) const;
  void WriteGroup(const proto::LargeObjectGroup& group, const RowsFrom& rows) const;
  std::string Open(std::string_view object) const;
  void WriteChunk(std::string_view hex) const;

  const proto::SchemaVersion& schema_;
  const Write& write_;
};

}  // namespace rotv::seed
