// Writes large objects as pg_dump does.

#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "proto/store.pb.h"
#include "storage/row_store.h"

namespace rotv::seed {

// Writes the parts of a seed that pg_dump writes of them. `rows` gives their rows, in order of object and offset, from
// an object on.
class LargeObjectWriter {
 public:
  using Write = std::function<void(std::string_view)>;
  using RowsFrom = std::function<std::unique_ptr<RowScan>(const std::string& first_key)>;
  // All outlive the writer.
  LargeObjectWriter(const proto::SchemaVersion& schema, const Write& write) : schema_(schema), write_(write) {}

  // The schema's text before the data, with the groups' DROPs in their place.
  void WritePreData() const;
  // Behind the sequences.
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
